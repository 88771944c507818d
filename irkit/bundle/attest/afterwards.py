"""Custody after sealing: who opened sealed originals, took the bundle over or let it go, when and why.

A sealed bundle never changes, so its custody goes on in `<bundle>.custody.jsonl` beside it: a hash chain whose first
record names the bundle's SHA-256, and so everything in it. What such a file cannot show by itself is that its end was
cut off: against that stands the head, which every command that adds to it prints, kept elsewhere.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import irkit
from irkit import chain, digest, times
from irkit.bundle import frames
from irkit.errors import BundleError, JournalError, UsageError, VerificationError
from irkit.model.bundle import Problem
from irkit.model.run import Operator

SUFFIX = ".custody.jsonl"
BEGUN = "custody.continued"
_LONGEST = 32 << 20  # bytes of a log that is read


def beside(bundle: Path) -> Path:
    """Where custody of the bundle at that path goes on."""
    return bundle.with_name(bundle.name + SUFFIX)


def told(event: str, operator: Operator, at: datetime, **fields: object) -> dict[str, Any]:
    """The record of an event: what, who, where, when, with which irkit."""
    who = {"os_user": operator.os_user, "host": operator.host}
    tool = {"tool_version": irkit.__version__, "tool_sha256": digest.of_tool()}
    return {"event": event, "at": times.rfc3339(at), "operator": who, **tool} | fields


@contextmanager
def opened(bundle: Path) -> Iterator[chain.Chain]:
    """The log of what happened to a sealed bundle, to append to: each record is on disk before `append` returns.

    Raises JournalError where it cannot be written, VerificationError where it is broken or of another bundle,
    BundleError where the bundle cannot be read, UsageError for what is no bundle.
    """
    path = beside(bundle)
    try:
        if not frames.begins(next(digest.read(bundle), b"")):
            raise UsageError(f"not a bundle: {bundle}", "the sealed .tar.gz; irkit bundle seal makes one of a folder")
        sha256 = digest.of_file(bundle).sha256
    except OSError as error:
        raise BundleError(f"cannot read {bundle}: {error.strerror}") from error
    with _turn(path):
        log = chain.Chain(path)
        try:
            if not log.records:
                log.append({"event": BEGUN, "bundle": bundle.name, "sha256": sha256})
            _belongs(log.records, sha256, path)
            yield log
        finally:
            log.close()


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """One writer at a time: two would both follow the same record. A log that the disk took nothing of is no log."""
    try:
        with _locked(path) as file:
            try:
                yield
            finally:
                if not os.fstat(file.fileno()).st_size:
                    path.unlink()
    except OSError as error:
        hint = "custody is kept beside the bundle: copy it to where you may write"
        raise JournalError(f"cannot write {path}: {error.strerror}", hint) from error


def _locked(path: Path) -> IO[bytes]:
    while True:
        file = path.open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        if digest.stands(file, path):
            return file
        file.close()  # whoever had it before left it empty, and took it away


def examine(bundle: Path, sha256: Callable[[], str]) -> tuple[str, list[Problem]]:
    """(what to tell about the log beside `bundle`, what is wrong with it); ("", []) where there is none."""
    path = beside(bundle)
    if not path.exists():
        return "", []
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST)
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}") from error
    try:
        records = list(chain.verify(_lines(text)))
        _belongs(records, sha256(), path)
    except VerificationError as error:
        return f"; afterwards broken: {error.message}", [Problem(path.name, error.message)]
    head = digest.of_bytes(text.split(b"\n")[-2])
    return f"; afterwards {len(records)} entries, head sha256:{head}", []


def _lines(text: bytes) -> list[bytes]:
    *lines, rest = text.split(b"\n")
    if rest:
        raise VerificationError("cut short, or not a custody log")
    return lines


def _belongs(records: Sequence[Mapping[str, Any]], sha256: str, path: Path) -> None:
    """Raise VerificationError unless `records` continue the custody of the bundle of that hash."""
    hint = "keep the file as evidence and move it away: a new log then begins"
    if not records or records[0].get("event") != BEGUN:
        raise VerificationError(f"{path.name} is not the custody log of a bundle", hint)
    if records[0].get("sha256") != sha256:
        raise VerificationError(f"{path.name} is of another bundle, or the bundle was changed", hint)
