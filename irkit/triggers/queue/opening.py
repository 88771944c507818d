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


def opened(address: str, clock: Clock | None = None, *, make: bool = True) -> Opened:
    """The queue at `sqlite:///absolute/path` or `postgresql://...`, its tables made if missing.

    `clock`: None for this machine's, or the database server's; `make`: whether a file that is not there is made. Raises
    UsageError for an address that cannot be used, QueueError when the store refuses.
    """
    door: Door
    scheme, found, rest = address.partition("://")
    match scheme if found else "":
        case "sqlite" if rest.startswith("/"):
            if not make and not Path(rest).exists():
                raise UsageError(f"no queue at {rest}", "irkit serve makes it; --queue names another")
            door = SqliteDoor(Path(rest), clock or times.now)
        case "postgresql" | "postgres":
            door = _postgres(address, clock)
        case _:
            raise UsageError("not the address of a queue", "it is sqlite:///PATH or postgresql://USER@HOST/DATABASE")
    return Opened(SqlQueue(door), SqlDesk(door), door)


def _postgres(address: str, clock: Clock | None) -> Door:
    try:
        from irkit.triggers.queue.postgres import PostgresDoor
    except ImportError as error:
        raise UsageError("PostgreSQL needs psycopg", "pip install 'irkit[postgres]'") from error
    return PostgresDoor(address, clock)
