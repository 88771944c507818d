"""Where runs are kept: `<home>/runs/<id>/` with journal.jsonl, data/, bundle and receipt.json, for the owner only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from irkit.errors import IrkitError, JournalError, UsageError
from irkit.model.bundle import Bundle, Receipt
from irkit.model.run import RunRecord
from irkit.playbook.journal import log
from irkit.playbook.journal.record import Ledger
from irkit.playbook.journal.shown import shown
from irkit.times import stamp

_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,62}\Z")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Run:
    """One run on this machine."""

    id: str
    folder: Path
    record: RunRecord
    bundle: Bundle | None = None  # None: not sealed yet
    receipt: Receipt | None = None  # None: not shipped yet


@dataclass(frozen=True, slots=True)
class Broken:
    """A run whose journal cannot be read or has been tampered with."""

    id: str
    folder: Path
    error: IrkitError


def new_id(at: datetime, random: bytes) -> str:
    """An id that sorts by time, such as `20261123t030000z-7k2m`; `random`: three bytes or more."""
    number = int.from_bytes(random)
    tail = "".join(_ALPHABET[number >> shift & 31] for shift in (0, 5, 10, 15))
    return f"{stamp(at).lower()}-{tail}"


def create(home: Path, run_id: str) -> Path:
    """The new, empty folder of a run; raises UsageError for a bad or taken id, JournalError from the disk."""
    if not _ID.match(run_id):
        raise UsageError(f"not a run id: {run_id!r}", "lower-case letters, digits and '-', 3 to 63 of them")
    folder = home / "runs" / run_id
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        (folder / "data").mkdir(mode=0o700)
    except FileExistsError as error:
        raise UsageError(f"there is a run {run_id} already") from error
    except OSError as error:
        raise JournalError(
            f"cannot make {folder}: {error.strerror}", "set IRKIT_HOME to a folder you may write"
        ) from error
    return folder


def ids(home: Path) -> list[str]:
    """Every run's id, newest first."""
    root = home / "runs"
    return sorted((path.name for path in root.iterdir() if _ID.match(path.name)), reverse=True) if root.is_dir() else []


def locate(home: Path, text: str) -> Path:
    """The folder of the run whose id is, or alone begins or ends with, `text`; "last" is the newest.

    Raises UsageError.
    """
    known = ids(home)
    if text in known:
        return home / "runs" / text
    fits = (
        known[:1] if text == "last" else [one for one in known if text and (one.startswith(text) or one.endswith(text))]
    )
    if len(fits) != 1:
        raise UsageError(f"{'no' if not fits else 'more than one'} run is called {text!r}", "irkit run ls shows them")
    return home / "runs" / fits[0]


def show(home: Path, text: str, *, timeline: bool = True) -> Run:
    """One run, found as by `locate`; raises UsageError, JournalError, VerificationError."""
    return _read(locate(home, text), timeline)


def everything(home: Path) -> Iterator[Run | Broken]:
    """Every run, newest first, without timelines."""
    for run_id in ids(home):
        folder = home / "runs" / run_id
        try:
            yield _read(folder, timeline=False)
        except IrkitError as error:
            yield Broken(run_id, folder, error)


def _read(folder: Path, timeline: bool) -> Run:
    ledger = Ledger(log.read(folder))
    if not ledger.head:
        raise JournalError(f"run {folder.name} ended before its journal began", f"remove {folder}")
    record = shown(ledger, folder) if timeline else ledger.record()
    return Run(record.id, folder, record, ledger.bundle(folder), ledger.receipt)
