"""The queue in PostgreSQL: any number of servers and workers, on any number of machines.

By psycopg and `FOR UPDATE SKIP LOCKED`, not by procrastinate, whose `finish_job` and `retry_job` (3.10.0, schema.sql)
ask for the job's id and that it is being done, not by whom: a worker that stalled and was replaced completes the job
of its heir. Uniqueness by key would have needed a table of ours too, for `queueing_lock` ends when a job starts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import LiteralString, TypeVar, cast

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict

from irkit.errors import UsageError
from irkit.times import Clock
from irkit.triggers.queue.door import PATIENCE, TABLES, Row, Turns
from irkit.triggers.queue.protocol import QueueError

_CONNECT = {
    "connect_timeout": PATIENCE,
    "tcp_user_timeout": PATIENCE * 1000,
    "application_name": "irkit",
    "autocommit": True,
}
# A server that does not wait for its disk would make 202 a lie. What is stricter than "on" is left as it is. Whoever is
# stopped, or cut off, within a transaction must not keep everybody else from `_ALONE` until TCP finds that out.
_SESSION = (
    f"SET statement_timeout = '{PATIENCE}s'",
    f"SET idle_in_transaction_session_timeout = '{PATIENCE}s'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Whoever may make a job open holds this lock; any number ("irkit") that no other program on the database uses.
_ALONE = f"SELECT pg_advisory_xact_lock({0x69726B6974})"

T = TypeVar("T")


class _Silent(psycopg.OperationalError):
    """The server says nothing, not even that a statement took too long: it is stopped, or something between us is."""


class Connection(psycopg.Connection[tuple[object, ...]]):
    """One that is closed where the server does not answer: TCP alone sees no fault in a peer that takes every byte."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As ever, for a second longer than the server may take."""
        try:
            return super().wait(_patient(gen), interval)
        except _Silent:
            self.pgconn.finish()
            raise


def _patient(gen: PQGen[T]) -> PQGen[T]:
    ends = time.monotonic() + PATIENCE + 1
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and time.monotonic() > ends:
                raise _Silent("it does not answer")
            state = gen.send(ready)
    except StopIteration as ended:
        return cast(T, ended.value)


@lru_cache
def _ours(statement: str) -> LiteralString:
    locked = statement.replace("/*lock*/", "FOR UPDATE").replace("/*skip*/", "FOR UPDATE SKIP LOCKED")
    return locked.replace("?", "%s")


@dataclass(frozen=True, slots=True)
class _Transaction:
    connection: Connection
    now: datetime

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        return list(self.connection.execute(_ours(statement), parameters).fetchall())

    def change(self, statement: str, parameters: Sequence[object] = ()) -> int:
        return self.connection.execute(_ours(statement), parameters).rowcount

    def insert(self, statement: str, parameters: Sequence[object] = ()) -> int:
        return cast(int, self.rows(statement + " RETURNING id", parameters)[0][0])


class PostgresDoor:
    """The door to the database at a `postgresql://` address, opened anew after the connection broke.

    `clock`: None for the database's, so that machines whose clocks differ agree when a lease ends.
    """

    def __init__(self, address: str, clock: Clock | None) -> None:
        try:
            conninfo_to_dict(address)
        except psycopg.ProgrammingError:
            # Not even as the cause: its message quotes the address, which may hold a password.
            raise UsageError("not a PostgreSQL address", "postgresql://USER@HOST:5432/DATABASE") from None
        self._address, self._clock, self._turns = address, clock, Turns()
        self._connection: Connection | None = None  # None: to be opened
        with self.writing(opens=True) as made:
            for table in TABLES:
                made.change(table.format(identity="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", bytes="BYTEA"))

    @contextmanager
    def reading(self) -> Iterator[_Transaction]:
        """A transaction on a snapshot; waits for nobody."""
        with self._transaction(_SNAPSHOT) as found:
            yield found

    @contextmanager
    def writing(self, *, opens: bool = False) -> Iterator[_Transaction]:
        """Many at a time; those that open jobs one after another."""
        with self._transaction(_ALONE if opens else "") as made:
            yield made

    @contextmanager
    def _transaction(self, first: LiteralString) -> Iterator[_Transaction]:
        with self._turns.turn():
            try:
                connection = self._open()
                with connection.transaction():
                    if first:
                        connection.execute(first)
                    yield _Transaction(connection, self._now(connection))
            except psycopg.Error as error:
                raise QueueError(f"the queue refuses: {_first(error)}", "does PostgreSQL run?") from error

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = None
            made = Connection.connect(self._address, **_CONNECT)  # type: ignore[arg-type]
            try:
                _check(made)
            except BaseException:
                made.close()
                raise
            self._connection = made
        return self._connection

    def _now(self, connection: Connection) -> datetime:
        if self._clock:
            return self._clock()
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        return cast(tuple[datetime], row)[0]

    def close(self) -> None:
        """Close the connection."""
        with self._turns.turn():
            if self._connection:
                self._connection.close()


def _check(connection: Connection) -> None:
    for statement in _SESSION:
        connection.execute(statement)
    if connection.execute("SHOW fsync").fetchone() == ("off",):
        raise QueueError("this PostgreSQL runs with fsync=off: what it confirms may be lost", "set fsync = on")


def _first(error: psycopg.Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
