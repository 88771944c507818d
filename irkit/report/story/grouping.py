"""A timeline short enough to read: bursts of the same thing are one line, and what is left out is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby

from irkit.model.run import Moment
from irkit.report import figures
from irkit.report.story.words import rank

LIMIT = 250  # lines of the table
BURST = timedelta(minutes=5)  # a silence longer than this begins a new line
NUMBERED = 8  # key moments: the gravest, of medium and above


@dataclass(frozen=True, slots=True)
class Line:
    """`count` equal moments, the first of which is `moment` and the last of which is at `last.at`."""

    moment: Moment
    last: Moment
    count: int = 1
    number: int = 0  # 0: not one of the numbered key moments

    @property
    def times(self) -> str:
        """`1,204 times until 03:12:44`; "" for a single moment."""
        return f"{figures.count(self.count)} times until {figures.clock(self.last.at)}" if self.count > 1 else ""


@dataclass(frozen=True, slots=True)
class Lines:
    """What the table shows, in order of time. `total` and `left_out` count moments, not lines."""

    rows: tuple[Line, ...] = ()
    total: int = 0
    left_out: int = 0

    def days(self) -> Iterator[tuple[str, list[Line]]]:
        """The rows of each day, under the day's name."""
        for name, rows in groupby(self.rows, key=lambda line: figures.day(line.moment.at)):
            yield name, list(rows)

    @property
    def key(self) -> tuple[Line, ...]:
        """The numbered lines."""
        return tuple(line for line in self.rows if line.number)


def lines(timeline: Iterable[Moment], *, limit: int = LIMIT) -> Lines:
    """The lines of `timeline`, at most `limit`: the gravest stay, the routine goes first."""
    moments = sorted(timeline, key=lambda moment: moment.at)
    rows = _bursts(moments, BURST)
    if len(rows) > limit:
        rows = _bursts(moments, timedelta.max)
    kept = sorted(sorted(rows, key=_weight)[:limit], key=lambda line: line.moment.at)
    return Lines(_numbered(kept), len(moments), len(moments) - sum(line.count for line in kept))


def _weight(line: Line) -> tuple[int, bool]:
    """Lightest first to keep: grave before mild, irkit's own acts before the rest of their severity."""
    return -rank(line.moment.severity), line.moment.source != "irkit"


def _bursts(moments: list[Moment], gap: timedelta) -> list[Line]:
    rows: list[Line] = []
    open_: dict[tuple[str, ...], int] = {}
    for moment in moments:
        key = (moment.source, moment.actor, moment.what, moment.severity, moment.ref)
        at = open_.get(key)
        if at is not None and moment.at - rows[at].last.at <= gap:
            rows[at] = replace(rows[at], last=moment, count=rows[at].count + 1)
        else:
            open_[key] = len(rows)
            rows.append(Line(moment, moment))
    return rows


def _numbered(rows: list[Line]) -> tuple[Line, ...]:
    """The gravest lines of medium severity and above, up to NUMBERED, numbered in order of time."""
    grave = [index for index, line in enumerate(rows) if rank(line.moment.severity) >= rank("medium")]
    gravest = sorted(grave, key=lambda index: -rank(rows[index].moment.severity))[:NUMBERED]
    numbers = {index: place for place, index in enumerate(sorted(gravest), 1)}
    return tuple(replace(line, number=numbers.get(index, 0)) for index, line in enumerate(rows))
