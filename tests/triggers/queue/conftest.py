"""Every implementation of the queue, each empty, with a clock that the test turns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import Desk, Queue
from tests.triggers.queue.hands import Turned
from tests.triggers.queue.server import Server, programs, started

IMPLEMENTATIONS = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL; without one the test is skipped, or fails where IRKIT_TEST_REQUIRE_REAL is set, as in CI."""
    found = programs()
    if found is None:
        message = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("IRKIT_TEST_REQUIRE_REAL"):
            pytest.fail(message)
        pytest.skip(message)
    with started(found) as server:
        yield server


@pytest.fixture(params=IMPLEMENTATIONS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty queue is."""
    if request.param == "sqlite":
        return f"sqlite://{tmp_path}/queue.db"
    return cast(Server, request.getfixturevalue("postgres")).schema()


@pytest.fixture
def clock() -> Turned:
    """The clock of the queue under test."""
    return Turned()


@pytest.fixture
def store(address: str, clock: Turned) -> Iterator[Opened]:
    """The queue under test."""
    made = opened(address, clock)
    yield made
    made.close()


@pytest.fixture
def queue(store: Opened) -> Queue:
    """Its five methods."""
    return store.queue


@pytest.fixture
def desk(store: Opened) -> Desk:
    """Its desk."""
    return store.desk
