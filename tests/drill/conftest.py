"""Running ranges, and a plain HTTP client for each."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from irkit.drill.range import server
from irkit.drill.range.server import Range
from tests.drill.client import Client


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """A cluster that nothing happened on, shared by tests that each use a namespace of their own."""
    with server.start(home=tmp_path_factory.mktemp("empty"), scenario=None) as running:
        yield running


@pytest.fixture
def api(empty: Range) -> Iterator[Client]:
    """A client of `empty` with a new namespace."""
    client = Client(empty.url, namespace=f"t-{uuid.uuid4().hex[:8]}")
    client.create("Namespace", client.namespace)
    yield client
    client.close()


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """A cluster with the payments incident in it, shared by tests that only look."""
    with server.start(home=tmp_path_factory.mktemp("scene")) as running:
        yield running


@pytest.fixture
def look(scene: Range) -> Iterator[Client]:
    """A client of `scene`."""
    client = Client(scene.url, namespace="payments")
    yield client
    client.close()


@pytest.fixture
def incident(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """A cluster of one's own, with the payments incident in it."""
    with server.start(home=tmp_path_factory.mktemp("incident")) as running:
        yield running


@pytest.fixture
def night(incident: Range) -> Iterator[Client]:
    """A client of `incident`."""
    client = Client(incident.url, namespace="payments")
    yield client
    client.close()
