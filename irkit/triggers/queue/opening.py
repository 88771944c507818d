"""A queue by its address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from irkit import settings, times
from irkit.errors import UsageError
from irkit.times import Clock
from irkit.triggers.queue.desk import SqlDesk
from irkit.triggers.queue.door import Door
from irkit.triggers.queue.protocol import Desk, Queue
from irkit.triggers.queue.sql import SqlQueue
from irkit.triggers.queue.sqlite import SqliteDoor


@dataclass(frozen=True, slots=True)
class Opened:
    """A queue and its desk, over one connection."""

    queue: Queue
    desk: Desk
    door: Door

    def close(self) -> None:
        """Release files and connections."""
        self.door.close()


def default() -> str:
    """The address of the queue when none is given: a file beside the runs."""
    return f"sqlite://{settings.home() / 'queue.db'}"


def opened(address: str, clock: Clock | None = None) -> Opened:
    """The queue at `sqlite:///absolute/path`, made if missing.

    `clock`: None for this machine's. Raises UsageError for an address that cannot be used, QueueError when the store
    refuses.
    """
    scheme, found, rest = address.partition("://")
    match scheme if found else "":
        case "sqlite" if rest.startswith("/"):
            door = SqliteDoor(Path(rest), clock or times.now)
        case _:
            raise UsageError("not the address of a queue", "it is sqlite:///PATH")
    return Opened(SqlQueue(door), SqlDesk(door), door)
