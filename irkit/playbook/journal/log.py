"""A run's journal: one hash-chained file, written by one process at a time, on disk before anything follows from it.

Records have `kind` and `at`, and by kind:

run.started         all that resuming takes: case, authority ("" for none stated), playbook (name, sha256, text,
                    source), inputs, settings, operator, tool_version, tool_sha256, dry_run, occasion (trigger and
                    severity; null: a person started it)
run.resumed         operator, tool_version, tool_sha256, settings
run.interrupted
run.waiting         step: it waits for people, and nothing drives it
run.cancelled       person, note: no further step is taken
run.ended           status
step.started        step, uses, effect, attempt (from 1)
step.observed       step, found: whether the world shows what the attempt cut off was to do
rails.decided       step, decision: ruling, reasons, mode, rules_sha256, trigger, severity; before the step acts
approval.asked      step, question
approval.given      step, vote
step.ended          step, outcome
run.undoing         operator, tool_version, tool_sha256, authority: before the first step is taken back
step.undone         step, outcome
change.intended     step, change: about to be sent; undo.intended likewise
artifact            step, artifact
artifact.discarded  step, path, why: no longer on disk as it was journalled; a changed one is kept in discarded/
gap                 step, gap
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from irkit import chain
from irkit.chain import Chain
from irkit.errors import JournalError
from irkit.model.codec import plain
from irkit.playbook.journal.record import Ledger
from irkit.times import Clock, rfc3339

FILE = "journal.jsonl"


class Journal:
    """The journal in a run's `folder`, and what it adds up to. Raises VerificationError, JournalError.

    Threads may append: a collector announces what it alters while others bring evidence.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._chain = Chain(folder / FILE)
        self._clock = clock
        self.lock = threading.RLock()  # steps may run at once; who reads the ledger meanwhile holds it
        self.ledger = Ledger(self._chain.records)

    @property
    def records(self) -> list[chain.Record]:
        """All records."""
        return self._chain.records

    def append(self, kind: str, **fields: Any) -> chain.Record:  # noqa: ANN401 - nouns, or JSON
        """Write one record, wait for the disk, count it in."""
        return self._written(kind, fields, sync=True)

    def note(self, kind: str, **fields: Any) -> chain.Record:  # noqa: ANN401 - nouns, or JSON
        """The same without waiting: the disk has it at the latest with the next `append`."""
        return self._written(kind, fields, sync=False)

    def _written(self, kind: str, fields: dict[str, Any], *, sync: bool) -> chain.Record:
        with self.lock:
            record = self._chain.append({"kind": kind, "at": rfc3339(self._clock()), **plain(fields)}, sync=sync)
            self.ledger.take(record)
        return record

    def close(self) -> None:
        """Release the file."""
        self._chain.close()


class Driven(JournalError):
    """Another process drives the run."""


@contextmanager
def opened(folder: Path, clock: Clock, patience: float = 0.0) -> Iterator[Journal]:
    """The journal, locked. Raises Driven when another process still drives the run after `patience` seconds."""
    try:
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise JournalError(f"cannot lock {folder}: {error.strerror}") from error
    with lock:
        if not _locked(lock, time.monotonic() + patience):
            hint = "wait until it ends; irkit run show tells how far it is"
            raise Driven(f"run {folder.name} is being driven by another process", hint)
        journal = Journal(folder, clock)
        try:
            yield journal
        finally:
            journal.close()


def _locked(lock: IO[str], until: float) -> bool:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)  # flock(2) has no deadline of its own


def read(folder: Path) -> list[chain.Record]:
    """The whole records of a journal, without locking or changing it; a torn last line is left out.

    Raises JournalError, VerificationError.
    """
    try:
        data = (folder / FILE).read_bytes()
    except OSError as error:
        raise JournalError(f"cannot read {folder / FILE}: {error.strerror}") from error
    return list(chain.verify(data[: data.rfind(b"\n") + 1].splitlines()))
