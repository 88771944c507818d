"""Moments from `logs/*.log`: the lines that containers wrote, by the time that the kubelet put before each.

A log says the same thing with other numbers a thousand times: lines that differ in nothing else are one kind, which has
a moment for its first line and one for its last.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from irkit.model.run import Moment
from irkit.report import figures
from irkit.report.moments.source import UNREADABLE, Skipped, instant

TAIL = 4 << 20  # bytes of one log that are read, from its end: the whole stays where it is
KINDS = 200  # of lines of one log; the rest is counted
TEXT = 300  # characters of one line
_NUMBERS = re.compile(rb"\b(?:0x[0-9a-f]+|[0-9a-f]*[0-9][0-9a-f]*)\b", re.IGNORECASE)


@dataclass(slots=True)
class _Kind:
    """Lines of one kind."""

    first: datetime
    text: str
    last: datetime
    latest: str
    count: int = 1


def moments(data: Path) -> Iterator[Moment | Skipped]:
    """The first and the last line of every kind, log by log."""
    for path in sorted((data / "logs").glob("*.log")):
        ref = f"logs/{path.name}"
        try:
            yield from _log(path, ref)
        except OSError:
            yield Skipped(ref)


def _log(path: Path, ref: str) -> Iterator[Moment | Skipped]:
    kinds: dict[bytes, _Kind] = {}
    for line in _lines(path):
        at, text = _read(line)
        if at is None:
            yield Skipped(ref, "bear no time")
            continue
        key = _NUMBERS.sub(b"#", text)[:TEXT]
        known, said = kinds.get(key), text[:TEXT].decode("utf-8", "replace")
        if known:
            known.last, known.latest, known.count = at, said, known.count + 1
        elif len(kinds) < KINDS:
            kinds[key] = _Kind(at, said, at, said)
        else:
            yield Skipped(ref, f"are past the first {KINDS} kinds of lines")
    if path.stat().st_size > TAIL:
        yield Skipped(ref, f"stands before its last {TAIL >> 20} MiB")
    for kind in kinds.values():
        yield from _moments(kind, path.stem, ref)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - TAIL, 0))
        lines = file.read(TAIL).split(b"\n")
    yield from (line for line in (lines[1:] if size > TAIL else lines) if line)


def _read(line: bytes) -> tuple[datetime | None, bytes]:
    stamp, _, text = line.partition(b" ")
    try:
        return instant(stamp.decode("ascii")), text.rstrip(b"\r")
    except UNREADABLE:
        return None, line


def _moments(kind: _Kind, actor: str, ref: str) -> Iterator[Moment]:
    if kind.count == 1:
        yield Moment(kind.first, "log", actor, kind.text, "info", ref)
        return
    often = figures.count(kind.count)
    yield Moment(kind.first, "log", actor, f"{kind.text} (first of {often} like it)", "info", ref)
    yield Moment(kind.last, "log", actor, f"{kind.latest} (last of {often} like it)", "info", ref)
