"""What the queue needs of a database, and what both databases understand.

Statements are written once, with `?` for parameters, and with two comments that only a door to a database with row
locks acts upon: `/*lock*/` waits for the rows it names, `/*skip*/` passes over those that another has locked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Protocol

from irkit.triggers.queue.protocol import QueueError

Row = Sequence[Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Instants are whole microseconds since 1970 in UTC: exact, ordered, and the same in every database. A job that is
# leased is `due` when its lease runs out, so what may be taken is found by one index.
TABLES = (
    """CREATE TABLE IF NOT EXISTS irkit_job (
        id {identity}, kind TEXT NOT NULL, grp TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
        max_attempts INTEGER NOT NULL, token BIGINT NOT NULL, created BIGINT NOT NULL, due BIGINT NOT NULL,
        settled BIGINT, worker TEXT NOT NULL, word TEXT NOT NULL, replay_of BIGINT)""",
    """CREATE TABLE IF NOT EXISTS irkit_delivery (
        id {identity}, job BIGINT NOT NULL REFERENCES irkit_job (id), kind TEXT NOT NULL, dedupe TEXT NOT NULL,
        body {bytes} NOT NULL, arrived BIGINT NOT NULL, UNIQUE (kind, dedupe))""",
    """CREATE TABLE IF NOT EXISTS irkit_part (
        scan TEXT NOT NULL, number BIGINT NOT NULL, body {bytes} NOT NULL, PRIMARY KEY (scan, number))""",
    "CREATE INDEX IF NOT EXISTS irkit_delivery_job ON irkit_delivery (job)",
    "CREATE INDEX IF NOT EXISTS irkit_job_due ON irkit_job (due, id) WHERE state IN ('waiting', 'leased')",
    """CREATE UNIQUE INDEX IF NOT EXISTS irkit_job_group ON irkit_job (kind, grp)
        WHERE grp <> '' AND state IN ('waiting', 'leased')""",
    "CREATE INDEX IF NOT EXISTS irkit_job_settled ON irkit_job (settled) WHERE settled IS NOT NULL",
)


# Seconds to wait for a database, in each of the ways that there are: some senders give up after five (EventBridge).
PATIENCE = 3


class Turns:
    """The turns of threads at one connection: while the database keeps one waiting, the others do not wait with it."""

    def __init__(self) -> None:
        self._lock = Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else's turn. Raises QueueError where none comes in time."""
        if not self._lock.acquire(timeout=PATIENCE):
            raise QueueError("the queue keeps everybody waiting", "is the disk full or slow, or the database stopped?")
        try:
            yield
        finally:
            self._lock.release()


class Transaction(Protocol):
    """Statements that take effect together."""

    @property
    def now(self) -> datetime:
        """The instant that all of it happens at."""
        ...

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """What a query finds."""
        ...

    def change(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """How many rows a statement changed."""
        ...

    def insert(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """The id of the one row inserted."""
        ...


class Door(Protocol):
    """The one way to a database, shared by the threads of one process; a forked child opens its own."""

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that changes nothing. Raises QueueError."""
        ...

    def writing(self, *, opens: bool = False) -> AbstractContextManager[Transaction]:
        """A transaction on disk when it is left, or undone if left by an error; `opens`: it may make a job open.

        Those are kept apart from each other, so that looking for a group and opening a job of it is one deed. Raises
        QueueError.
        """
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def instant(stored: int) -> datetime:
    """What `micros` gave, as an instant."""
    return _EPOCH + timedelta(microseconds=stored)
