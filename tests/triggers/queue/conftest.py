"""Every implementation of the queue, each empty, with a clock that the test turns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import Desk, Queue
from tests.triggers.queue.hands import Turned

IMPLEMENTATIONS = ("sqlite",)


@pytest.fixture(params=IMPLEMENTATIONS)
def address(tmp_path: Path) -> str:
    """Where an empty queue is."""
    return f"sqlite://{tmp_path}/queue.db"


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
