"""A hash-chained log of JSON lines: the journal of a run and the custody log of a bundle are both one.

Each line is a JSON object with `seq` (from 0), `prev_sha256` (of the line before, without its newline; 64 zeros on
the first) and the caller's own keys. A change to any line breaks the chain at the next; cutting off the end is found
only by whoever holds the last hash.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from irkit.errors import JournalError, VerificationError

START = "0" * 64

Record = dict[str, Any]


def encode(seq: int, previous: str, fields: Mapping[str, Any]) -> bytes:
    """One line of the chain, with its newline; the same input gives the same bytes."""
    record = {"seq": seq, "prev_sha256": previous, **fields}
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def link(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The lines of a new chain over `records`."""
    previous = START
    for seq, record in enumerate(records):
        line = encode(seq, previous, record)
        yield line
        previous = hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def verify(lines: Iterable[bytes]) -> Iterator[Record]:
    """The records of a chain, each checked against the one before; raises VerificationError at the first break."""
    previous = START
    for seq, line in enumerate(lines):
        bare = line.rstrip(b"\n")
        try:
            record = json.loads(bare)
        except (ValueError, RecursionError) as error:
            raise VerificationError(f"line {seq + 1} of the chain is not JSON") from error
        if not isinstance(record, dict) or record.get("seq") != seq:
            raise VerificationError(f"line {seq + 1} of the chain is out of order")
        if record.get("prev_sha256") != previous:
            raise VerificationError(f"line {seq + 1} of the chain does not follow from the line before")
        previous = hashlib.sha256(bare).hexdigest()
        yield cast(Record, record)


def _keep_name(path: Path) -> None:
    """Bring the folder's entry for `path` to disk: fsync of a new file alone does not (fsync(2))."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Chain:
    """A chain being written: every `append` is on disk (fsync) before it returns, unless told that it may wait.

    Opening an existing file verifies it and goes on from its last whole line; a line torn by a crash is dropped.
    Raises VerificationError for a broken chain, JournalError where the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[Record] = []
        self._previous = START
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._load(path)
            # Unbuffered: what a full disk refused must not come up again when the file is closed.
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
            _keep_name(path)
            self._end = whole
            self._torn = True  # what stands behind `_end`, and where the file is, is not known
        except OSError as error:
            raise JournalError(f"cannot open {path}: {error.strerror}") from error

    def _load(self, path: Path) -> int:
        if not path.exists():
            return 0
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.split(b"\n")[:-1]
        self.records = list(verify(lines))
        if lines:
            self._previous = hashlib.sha256(lines[-1]).hexdigest()
        return len(whole)

    def append(self, fields: Mapping[str, Any], *, sync: bool = True) -> Record:
        """Write one record and wait until the disk has it; returns the record as it stands in the chain.

        `fields` are JSON, and belong to the chain from then on.
        Without `sync` the disk has it at the latest with the next record that waits: for what is only found again.
        A record that the disk refused is not in the chain: the next one takes its place.
        """
        previous = self._previous
        line = encode(len(self.records), previous, fields)
        try:
            self._write(line, sync=sync)
        except OSError as error:
            raise JournalError(f"cannot write {self.path}: {error.strerror}", "free some disk space") from error
        self._end += len(line)
        self._previous = hashlib.sha256(line.rstrip(b"\n")).hexdigest()
        record = {"seq": len(self.records), "prev_sha256": previous, **fields}
        self.records.append(record)
        return record

    def _write(self, line: bytes, *, sync: bool) -> None:
        if self._torn:
            self._file.truncate(self._end)
            self._file.seek(self._end)
        self._torn, rest = True, memoryview(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            if sync:
                os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self._end)  # whoever reads the log meanwhile would take half a line for a break
            raise
        self._torn = False

    @property
    def head(self) -> str:
        """The hash of the last line: who holds it can tell whether the end was cut off."""
        return self._previous

    def close(self) -> None:
        """Release the file."""
        self._file.close()
