"""An axis of time without the boring parts: long silences are cut out, and each cut says how long it was."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nlargest
from itertools import pairwise
from operator import attrgetter

from irkit.report import figures

CUTS = 5  # at most
SHARE = 0.3  # a silence is cut when it is this much of what would remain without the longer ones
SHORTEST = 1800.0  # seconds: silences below this stay
CUT_WIDTH, LEAST = 46.0, 30.0
SPACING = 66.0  # between two labels
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
DAY = 86400
_END = attrgetter("end")
_LAST = datetime.max.replace(microsecond=0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis that time runs evenly over: seconds since the epoch, and x."""

    start: float
    end: float
    left: float
    right: float

    def x(self, at: float) -> float:
        """Where `at` stands; the middle of a stretch without length."""
        if self.end <= self.start:
            return (self.left + self.right) / 2
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return self.left + share * (self.right - self.left)


@dataclass(frozen=True, slots=True)
class Cut:
    """A silence left out: where its mark stands, and how long it was."""

    x: float
    length: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label under the axis; `day` is "" where the day is that of the label before."""

    x: float
    text: str
    day: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """Time to x."""

    stretches: tuple[Stretch, ...]
    cuts: tuple[Cut, ...] = ()

    @classmethod
    def over(cls, instants: Iterable[datetime], left: float, right: float) -> Axis:
        """The axis from the first to the last of `instants`, between `left` and `right`."""
        seconds = sorted(set(map(_second, instants)))
        cut = _silences(seconds)
        starts = [0, *(index + 1 for index in cut)]
        parts = [seconds[start:end] for start, end in pairwise([*starts, len(seconds)])]
        stretches = tuple(_placed(parts, left, right))
        return cls(
            stretches,
            tuple(
                Cut((one.right + other.left) / 2, figures.span(other.start - one.end))
                for one, other in pairwise(stretches)
            ),
        )

    def x(self, at: datetime) -> float:
        """Where `at` stands."""
        second = _second(at)
        index = bisect_left(self.stretches, second, key=_END)
        return self.stretches[min(index, len(self.stretches) - 1)].x(second)

    def ticks(self) -> Iterator[Tick]:
        """Labels that do not touch, at least one a stretch where there is room."""
        free, day = -SPACING, ""
        for stretch in self.stretches:
            for second, text in _labels(stretch):
                x = stretch.x(second)
                if x - free < SPACING:
                    continue
                today = _day(second)
                yield Tick(round(x, 1), text, today if today != day else "")
                free, day = x, today


def _second(at: datetime) -> float:
    """What bears no time stands at the end of time, whose last microseconds a float would round to the year 10000."""
    return min(at, _LAST).timestamp()


def _silences(seconds: Sequence[float]) -> list[int]:
    """Indexes of the instants after which a silence is cut, in order of time."""
    gaps = nlargest(CUTS, ((later - sooner, index) for index, (sooner, later) in enumerate(pairwise(seconds))))
    remaining, cut = seconds[-1] - seconds[0], []
    for gap, index in gaps:
        if gap < max(SHORTEST, SHARE * remaining):
            break
        cut.append(index)
        remaining -= gap
    return sorted(cut)


def _placed(parts: Sequence[Sequence[float]], left: float, right: float) -> Iterator[Stretch]:
    """Each part gets a least width, and of the rest a share by its length and by how much happened in it."""
    room = right - left - CUT_WIDTH * (len(parts) - 1) - LEAST * len(parts)
    length = sum(part[-1] - part[0] for part in parts) or 1.0
    happened = sum(len(part) ** 0.5 for part in parts)
    for part in parts:
        share = ((part[-1] - part[0]) / length + len(part) ** 0.5 / happened) / 2
        width = LEAST + room * share
        yield Stretch(part[0], part[-1], left, left + width)
        left += width + CUT_WIDTH


def _labels(stretch: Stretch) -> list[tuple[float, str]]:
    """Round instants within `stretch`; its beginning when no round one fits."""
    span = stretch.end - stretch.start
    least = span * SPACING / (stretch.right - stretch.left)
    step = next((step for step in STEPS if step >= least), (int(least // DAY) + 1) * DAY)
    first = -(-stretch.start // step) * step
    form = "%d %b" if step >= DAY else "%H:%M" if step >= 60 else "%H:%M:%S"
    rounds = [first + step * place for place in range(int(max(stretch.end - first, -1) // step) + 1)]
    if len(rounds) < 2:
        rounds, form = [stretch.start], "%H:%M:%S"
    return [(second, f"{datetime.fromtimestamp(second, UTC):{form}}") for second in rounds]


def _day(second: float) -> str:
    at = datetime.fromtimestamp(second, UTC)
    return f"{at.day} {at:%b %Y}"
