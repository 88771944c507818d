"""Short words for the tests of the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from irkit.triggers.queue.protocol import Item, Job, Placed, Queue

LEASE = timedelta(seconds=30)
START = datetime(2026, 11, 24, 3, 0, 0, 123456, tzinfo=UTC)


@dataclass
class Turned:
    """A clock that stands still until it is turned."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def turn(self, by: timedelta) -> None:
        """Let time pass."""
        self.at += by


def item(key: str, *, group: str = "", body: bytes = b"{}", kind: str = "alert", attempts: int = 5) -> Item:
    """An alert."""
    return Item(kind, key, body, group, max_attempts=attempts)


def put(queue: Queue, key: str, *, group: str = "", body: bytes = b"{}", attempts: int = 5) -> Placed:
    """Put one alert."""
    (placed,) = queue.put([item(key, group=group, body=body, attempts=attempts)])
    return placed


def take(queue: Queue, worker: str = "w1") -> Job:
    """Take what must be there."""
    job = queue.take(worker, LEASE)
    assert job is not None
    return job
