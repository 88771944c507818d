"""What there is to see: the runs of this machine, the queue, the freeze. Read anew for each page, changed by none."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from irkit.errors import IrkitError, JournalError
from irkit.playbook import runs
from irkit.playbook.journal import log
from irkit.playbook.rails.memory import FILE as RAILS
from irkit.playbook.rails.memory import Freeze, Memory
from irkit.times import stamp
from irkit.triggers.queue.protocol import Desk, Entry, State
from irkit.triggers.watch.sight import Sight, sight

SHOWN = 50  # runs of a page, jobs of a page
REPORT = Path("data/report/report.html")

_Stamp = tuple[int, int, bool]  # of a journal: when it changed, how long it is; and whether there is a report


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A run whose journal cannot be read, or was tampered with."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the queue, and its run where this machine has it."""

    entry: Entry
    sight: Sight | None = None  # None: not begun, begun elsewhere, or not to be read


@dataclass(slots=True)
class Lookout:
    """Journals that did not change are not read again."""

    home: Path
    desk: Desk
    _kept: dict[str, tuple[_Stamp, Sight]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def runs(self) -> list[Sight | Unreadable]:
        """The newest runs, newest first."""
        found: list[Sight | Unreadable] = []
        for run_id in runs.ids(self.home)[:SHOWN]:
            try:
                found.append(self.run(run_id))
            except IrkitError as error:
                found.append(Unreadable(run_id, error.message))
        return found

    def run(self, run_id: str) -> Sight:
        """One run, by its whole id; raises UsageError, JournalError, VerificationError."""
        folder = runs.locate(self.home, run_id)
        at = _stamp(folder)
        with self._lock:
            known = self._kept.get(folder.name)
        if known and known[0] == at:
            return known[1]
        if not (records := log.read(folder)):
            raise JournalError(f"run {folder.name} has not begun")
        seen = sight(records, reported=at[2])
        with self._lock:
            self._kept[folder.name] = at, seen
            for old in list(self._kept)[: -2 * SHOWN]:
                del self._kept[old]
        return seen

    def report(self, run_id: str) -> bytes:
        """The report of a run; raises UsageError, JournalError."""
        path = runs.locate(self.home, run_id) / REPORT
        try:
            return path.read_bytes()
        except OSError as error:
            raise JournalError(f"run {run_id} has no report yet") from error

    def frozen(self) -> Freeze | None:
        """The freeze in force; raises RailsError."""
        return Memory(self.home).frozen()

    def counts(self) -> dict[State, int]:
        """How many jobs stand where; raises QueueError."""
        return self.desk.counts()

    def jobs(self, states: Collection[State] = ()) -> list[Job]:
        """The newest jobs, newest first; raises QueueError."""
        known = runs.ids(self.home)
        return [Job(entry, self._sight_of(entry, known)) for entry in self.desk.ls(states, SHOWN)]

    def _sight_of(self, entry: Entry, known: list[str]) -> Sight | None:
        run_id = _run_of(entry, known)
        try:
            return self.run(run_id) if run_id else None
        except IrkitError:  # the page of runs says what is wrong with it
            return None

    def mark(self) -> str:
        """Changes whenever a page would; raises QueueError."""
        parts: list[object] = [self.desk.ls(limit=SHOWN), sorted(self.desk.counts().items())]
        for run_id in runs.ids(self.home)[:SHOWN]:
            parts.append((run_id, _stamp(self.home / "runs" / run_id)))
        rails = self.home / RAILS
        parts.append(rails.stat().st_mtime_ns if rails.exists() else 0)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _stamp(folder: Path) -> _Stamp:
    try:
        found = (folder / log.FILE).stat()
    except OSError:
        return (0, 0, False)
    return found.st_mtime_ns, found.st_size, (folder / REPORT).is_file()


def _run_of(entry: Entry, known: list[str]) -> str:
    """As act.run_of names it: the rest of that name is a digest of the body, which is not here."""
    start = f"{stamp(entry.created).lower()}-{entry.id}-"
    return next((run_id for run_id in known if run_id.startswith(start)), "")
