"""What was done so far, and whether all is frozen: one SQLite file that every process on the machine shares.

A decision and the record of the deed are one transaction, so two workers cannot both spend what is left of a budget.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from irkit.errors import IrkitError
from irkit.playbook.rails.facts import Decision, Deed
from irkit.playbook.rails.policy import LONGEST
from irkit.times import parse, rfc3339

FILE = "rails.db"
PATIENCE = 10.0  # seconds to wait for another process's decision

# Instants are RFC 3339 with microseconds: their order as text is their order in time.
_TABLES = """
CREATE TABLE IF NOT EXISTS deed (
    run TEXT NOT NULL, step TEXT NOT NULL, at TEXT NOT NULL, playbook TEXT NOT NULL, action TEXT NOT NULL,
    cluster TEXT NOT NULL, namespace TEXT NOT NULL, uid TEXT NOT NULL, workload TEXT NOT NULL,
    real INTEGER NOT NULL, failed INTEGER NOT NULL, PRIMARY KEY (run, step));
CREATE INDEX IF NOT EXISTS deed_at ON deed (cluster, at);
CREATE TABLE IF NOT EXISTS freeze (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, thawed TEXT, thawed_by TEXT);
"""
_DEEDS = """SELECT run, step, at, playbook, action, cluster, namespace, uid, workload, real, failed FROM deed"""
_FROZEN = "SELECT at, who, why FROM freeze WHERE thawed IS NULL ORDER BY id DESC LIMIT 1"


class RailsError(IrkitError):
    """What was done so far cannot be read or written: nothing may be done on a guess."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """Everything that rails watch stands still."""

    at: datetime
    who: str
    why: str

    def __str__(self) -> str:
        return f"frozen by {self.who} at {self.at:%F %T}Z: {self.why}"


# From what was done, oldest first, and the freeze in force: the decision, and the deed that it lets pass.
Ask = Callable[[tuple[Deed, ...], Freeze | None], tuple[Decision, Deed | None]]


class Memory:
    """The file `rails.db` in the folder `home`, made when first written to, for its owner only."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def deeds(self, cluster: str, now: datetime, window: timedelta = LONGEST) -> tuple[Deed, ...]:
        """What was done on a cluster within the last `window`, oldest first."""
        with self._open() as db:
            return _deeds(db, cluster, now - window)

    def everywhere(self, now: datetime, window: timedelta) -> tuple[Deed, ...]:
        """What was done on any cluster within the last `window`, oldest first."""
        with self._open() as db:
            return _read(db, f"{_DEEDS} WHERE at > ? ORDER BY at", [rfc3339(now - window)])

    def frozen(self) -> Freeze | None:
        """The freeze in force; None when there is none."""
        with self._open() as db:
            return _frozen(db)

    def decide(
        self,
        ask: Callable[[tuple[Deed, ...], Freeze | None], tuple[Decision, Deed | None]],
        cluster: str,
        now: datetime,
    ) -> Decision:
        """What `ask` decides from what was done; the deed that it lets pass is on disk when this returns."""
        with self._open() as db:
            decision, deed = ask(_deeds(db, cluster, now - LONGEST), _frozen(db))
            if deed:
                db.execute("DELETE FROM deed WHERE at <= ?", [rfc3339(now - LONGEST)])
                row = [deed.run, deed.step, rfc3339(deed.at), deed.playbook, deed.action, deed.cluster]
                row += [deed.namespace, deed.uid, deed.workload]
                db.execute("INSERT OR REPLACE INTO deed VALUES (?,?,?,?,?,?,?,?,?,?,?)", [*row, deed.real, deed.failed])
            return decision

    def failed(self, run: str, step: str) -> None:
        """The deed of a step did not end well."""
        with self._open() as db:
            db.execute("UPDATE deed SET failed = 1 WHERE run = ? AND step = ?", [run, step])

    def freeze(self, who: str, why: str, at: datetime) -> Freeze:
        """Hold everything; a second freeze leaves the first in force."""
        with self._open() as db:
            if found := _frozen(db):
                return found
            db.execute("INSERT INTO freeze (at, who, why) VALUES (?, ?, ?)", [rfc3339(at), who, why])
            return Freeze(at.astimezone(UTC), who, why)

    def thaw(self, who: str, at: datetime) -> Freeze | None:
        """Let go on; the freeze that ended, None when there was none."""
        with self._open() as db:
            found = _frozen(db)
            db.execute("UPDATE freeze SET thawed = ?, thawed_by = ? WHERE thawed IS NULL", [rfc3339(at), who])
            return found

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction with a connection of its own: decisions are rare, and a process may fork."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(sqlite3.connect(self.path, PATIENCE, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous=FULL")
                db.executescript(_TABLES)
                db.execute("BEGIN IMMEDIATE")
                yield db  # a deed that is not committed is rolled back when the connection closes
                db.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            hint = "is the disk full, or the file not yours?"
            raise RailsError(f"the rails cannot use {self.path}: {error}", hint) from error


def _deeds(db: sqlite3.Connection, cluster: str, since: datetime) -> tuple[Deed, ...]:
    return _read(db, f"{_DEEDS} WHERE cluster = ? AND at > ? ORDER BY at", [cluster, rfc3339(since)])


def _read(db: sqlite3.Connection, statement: str, parameters: list[str]) -> tuple[Deed, ...]:
    return tuple(
        Deed(run, step, parse(at), playbook, action, cluster, namespace, uid, workload, bool(real), bool(failed))
        for run, step, at, playbook, action, cluster, namespace, uid, workload, real, failed in db.execute(
            statement, parameters
        )
    )


def _frozen(db: sqlite3.Connection) -> Freeze | None:
    row = db.execute(_FROZEN).fetchone()
    return Freeze(parse(row[0]), row[1], row[2]) if row else None
