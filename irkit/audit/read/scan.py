"""Reading many sources with every core. The unit of work is a source and a byte range."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

from stringzilla import count, find

from irkit import beside
from irkit.audit.read.blocks import BLANK, Block, Form, Source
from irkit.audit.read.event import decode

PIECE = 16 << 20  # bytes of one unit of work: small enough to share out evenly, large enough to be worth a message
WORTH = 64 << 20  # bytes; below, starting processes costs more than it saves
WORTH_PACKED = 4 << 20  # bytes of gzip, likewise
WAITING = 8  # results that are kept while an earlier one is made

R = TypeVar("R")


class Share(Protocol):
    """How pieces are shared out among who reads them: `spread`, or over machines."""

    def __call__(self, work: Callable[[Piece], R], units: Iterable[Piece], /) -> Iterator[R]:
        """The results of `work` on each unit, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """The lines of `source` that begin in [start, end); all of it where it cannot be cut."""

    source: Source
    start: int
    end: int


def pieces(source: Source, start: int, end: int) -> Iterator[Piece]:
    """The units of work in [start, end) of `source`, in order; one where it cannot be cut."""
    step = PIECE if source.form is Form.NATIVE and not source.packed else max(end - start, 1)
    for first in range(start, end, step):
        yield Piece(source, first, min(first + step, end))


def spread(work: Callable[[Piece], R], units: Iterable[Piece]) -> Iterator[R]:
    """The results of `work` on each unit, in order, made by as many processes as there are cores.

    In this process alone where the work is small.
    """
    todo = list(units)
    if not _worth(todo) or beside.cores() < 2:
        yield from map(work, todo)
    elif len(todo) == 1:
        yield work(replace(todo[0], source=replace(todo[0].source, ahead=todo[0].source.packed)))
    else:
        yield from beside.shared(work, todo, WAITING)


def _worth(todo: list[Piece]) -> bool:
    plain = sum(unit.end - unit.start for unit in todo if not unit.source.packed)
    packed = sum(unit.end - unit.start for unit in todo if unit.source.packed)
    return plain >= WORTH or packed >= WORTH_PACKED


class Needle(NamedTuple):
    """A text to look for, and another that its line must hold, too: few lines that name a node are about a node."""

    text: bytes
    beside: bytes = b""


def hits(block: Block, needles: Iterable[Needle]) -> list[tuple[int, bytes]]:
    """The lines of a block that hold any of the needles, in order, with their offsets: a `find` pass per needle.

    A pass with vector instructions over a block in the cache costs next to nothing: several times less than one pass
    for all needles (an alternation in `re`, Aho-Corasick).
    """
    found = dict(line for needle in needles for line in _holding(block, needle))
    return [(block.base + first, block.line(first, stop)) for first, stop in sorted(found.items())]


def _holding(block: Block, needle: Needle) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end that hold a needle: the search goes on where the next of its texts stands."""
    data, end = block.data, block.end
    at = find(data, needle.text, block.start, end)
    while at >= 0:
        first, stop = _line(block, at)
        mate = find(data, needle.beside, first, end) if needle.beside else at
        if mate < 0:
            return
        if mate < stop:
            yield first, stop
        else:
            stop = _line(block, mate)[0]
        at = find(data, needle.text, stop, end)


def _line(block: Block, at: int) -> tuple[int, int]:
    stop = block.data.find(b"\n", at, block.end)
    first = max(block.data.rfind(b"\n", block.start, at) + 1, block.start)
    return first, block.end if stop < 0 else stop


def census(block: Block) -> tuple[int, int]:
    """How many lines look like JSON objects, and how many that are not blank do not; nothing is parsed."""
    lines = count(block.data, b"\n", block.start, block.end)
    return (lines, 0) if regular(block, lines) else _counted(block)


def regular(block: Block, lines: int) -> bool:
    """Whether each of the block's lines, which are so many, begins and ends as a JSON object does."""
    data, start, end = block.data, block.start, block.end
    if data[start : start + 1] != b"{" or data[end - 2 : end] != b"}\n":
        return False
    return bool(count(data, b"}\n{", start, end) == lines - 1)


def _counted(block: Block) -> tuple[int, int]:
    data, end, at = block.data, block.end, block.start
    good = bad = 0
    while at < end:
        stop = data.find(b"\n", at, end)
        stop = end if stop < 0 else stop
        if data[at] == 123 and data[stop - 1] == 125:
            good += 1
        elif line := data[at:stop].strip(BLANK):
            whole = plausible(line)
            good, bad = good + whole, bad + (not whole)
        at = stop + 1
    return good, bad


def plausible(line: bytes) -> bool:
    """True for a line that begins and ends as a JSON object does: a torn one does not."""
    return line[:1] == b"{" and line.rstrip()[-1:] == b"}"


class Reaching(Protocol):
    """What says from when to when a part of a log reaches; None: it holds no event that bears a time."""

    first: datetime | None
    last: datetime | None


def reach(part: Reaching, block: Block) -> None:
    """Let `part` reach as far as the block that follows: a log is written in order. Some torn lines are passed over."""
    part.first = part.first or _time(line for _, line in block.lines())
    part.last = _time(_backwards(block)) or part.last


def _time(lines: Iterator[bytes]) -> datetime | None:
    events = (decode(line) for line in islice(lines, 5))
    return next((event.written for event in events if event), None)


def _backwards(block: Block) -> Iterator[bytes]:
    stop = block.end
    while stop > block.start:
        start = max(block.data.rfind(b"\n", block.start, stop - 1) + 1, block.start)
        yield block.line(start, stop)
        stop = start
