"""The queue in one SQLite file: the default, for any number of processes on one machine.

WAL, so that readers and the one writer do not wait for each other; synchronous=FULL, because in WAL mode anything less
may lose the last commits when the power goes (https://www.sqlite.org/pragma.html#pragma_synchronous), and a commit is
what 202 stands on. The file must not lie on a network file system (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from irkit import digest
from irkit.times import Clock
from irkit.triggers.queue.door import PATIENCE, TABLES, Row, Turns
from irkit.triggers.queue.protocol import QueueError

WAL = "PRAGMA journal_mode=WAL"


def _place(path: Path) -> None:
    """Put an empty database at `path`, whole and in WAL mode, unless another process is first.

    Of two that turn one file to WAL at the same time SQLite refuses one, without waiting: whoever is second would have
    to upgrade a lock that both hold (https://www.sqlite.org/c3ref/busy_handler.html). And no descriptor of our own is
    ever opened on the file: closing one drops every lock that this process holds there
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as beside:
        made = Path(beside, path.name)
        with closing(sqlite3.connect(made)) as connection:
            connection.execute(WAL)
        made.chmod(0o600)
        with suppress(FileExistsError):
            digest.publish(made, path)


@dataclass(frozen=True, slots=True)
class _Transaction:
    connection: sqlite3.Connection
    now: datetime

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        return self.connection.execute(statement, tuple(parameters)).fetchall()

    def change(self, statement: str, parameters: Sequence[object] = ()) -> int:
        return self.connection.execute(statement, tuple(parameters)).rowcount

    def insert(self, statement: str, parameters: Sequence[object] = ()) -> int:
        return self.connection.execute(statement, tuple(parameters)).lastrowid or 0


class SqliteDoor:
    """The door to the file at `path`, made if missing, for its owner's eyes only: bodies may name secrets."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock, self._turns = path, clock, Turns()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _place(path)
            self._connection = sqlite3.connect(path, PATIENCE, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise QueueError(f"cannot open the queue {path}: {error}") from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self._said():
            self._connection.execute(WAL)
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA foreign_keys=ON")
        with self.writing() as made:
            for table in TABLES:
                made.change(table.format(identity="INTEGER PRIMARY KEY AUTOINCREMENT", bytes="BLOB"))

    @contextmanager
    def reading(self) -> Iterator[_Transaction]:
        """A transaction on a snapshot; waits for nobody."""
        with self._transaction("BEGIN") as found:
            yield found

    @contextmanager
    def writing(self, *, opens: bool = False) -> Iterator[_Transaction]:
        """The only writing transaction of all processes at this time, whether it `opens` a job or not."""
        with self._transaction("BEGIN IMMEDIATE") as made:
            yield made

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[_Transaction]:
        with self._turns.turn(), self._said():
            self._connection.execute(begin)
            try:
                yield _Transaction(self._connection, self._clock())
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have ended it already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "is the disk full, or another process holding it for long?"
            raise QueueError(f"the queue {self._path} refuses: {error}", hint) from error

    def close(self) -> None:
        """Close the file; the last to do so folds the WAL into it."""
        with self._turns.turn():
            self._connection.close()
