"""One run at a time for each key of a playbook: `<home>/turns/<hash of playbook and key>` names the run that has it.

A run has its turn while a process drives it or it waits for people. One that was cut off has lost it: whoever comes
next may begin, and so may whoever goes on with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from irkit.errors import IrkitError, JournalError, Refused
from irkit.model.run import Status
from irkit.playbook.journal import log
from irkit.playbook.journal.log import Driven
from irkit.playbook.journal.record import Ledger
from irkit.playbook.language import bind
from irkit.playbook.schema import Playbook
from irkit.times import now

_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,62}\Z")


class Occupied(IrkitError):
    """Another run has the turn, and the playbook says to wait for it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of one key, held against other processes until a run has it."""

    home: Path
    key: str  # with what stands for it, "payments/web-0"; "": the playbook has no key
    file: IO[str] | None  # None: the playbook has no key

    def holder(self) -> str:
        """The run that has it; "" for none."""
        if self.file is None:
            return ""
        self.file.seek(0)
        run = self.file.read().strip()
        return run if _ID.match(run) and _open(self.home / "runs" / run) else ""

    def give(self, run: str) -> None:
        """From now on `run` has it."""
        if self.file is not None:
            self.file.seek(0)
            self.file.truncate()
            self.file.write(run)
            self.file.flush()


@contextmanager
def turn(home: Path, playbook: Playbook, values: Mapping[str, Any]) -> Iterator[Turn]:
    """The turn that a run with these inputs needs, nobody else deciding about it meanwhile. Raises JournalError."""
    if playbook.concurrency is None:
        yield Turn(home, "", None)
        return
    # Quoted, so that no two sets of inputs make one key: "a/b" and "c", "a" and "b/c".
    key = bind.composed(playbook.concurrency.key, values, lambda text: quote(text, safe=""))
    name = hashlib.sha256(f"{playbook.metadata.name}\0{key}".encode()).hexdigest()
    try:
        (home / "turns").mkdir(parents=True, exist_ok=True, mode=0o700)
        with (home / "turns" / name).open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield Turn(home, key, file)
    except OSError as error:
        raise JournalError(f"cannot write {home / 'turns'}: {error.strerror}") from error


def conflict(playbook: Playbook, mine: Turn, holder: str) -> None:
    """Raise what the playbook says about a turn that another run has; nothing where its run is to be joined."""
    if playbook.concurrency is None or playbook.concurrency.on_conflict == "join":
        return
    told = f"run {holder} of {playbook.metadata.name} is under way for {mine.key}"
    if playbook.concurrency.on_conflict == "queue":
        raise Occupied(f"{told}; this one waits for it", f"irkit run show {holder}")
    raise Refused(told, f"irkit run show {holder}")


def _open(folder: Path) -> bool:
    """Whether somebody drives the run, or it waits for people."""
    if not folder.is_dir():
        return False
    try:
        with log.opened(folder, now) as journal:
            return _waits(journal.ledger)
    except Driven:
        return True


def _waits(ledger: Ledger) -> bool:
    return ledger.status is Status.WAITING and ledger.finished is None
