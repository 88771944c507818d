"""The timeline as a picture: a lane per source, idle stretches cut out of the axis, grave moments numbered.

Only geometry and words; the template draws them. Units are those of the SVG's viewBox.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from irkit.model.run import Moment, RunRecord
from irkit.report import figures
from irkit.report.story.axis import Axis, Tick
from irkit.report.story.grouping import Line
from irkit.report.story.words import SEVERITIES, SOURCES, rank
from irkit.report.timeline import moved

WIDTH, LEFT, RIGHT = 1000, 96, 20
TOP, LANE, BIN = 34, 42, 13
OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened in one lane within one bin. `path` is an SVG path."""

    path: str
    severity: str
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """The numbers of key moments, above their marks; those of close neighbours are one label."""

    x: float
    numbers: tuple[int, ...]
    severity: str

    @property
    def text(self) -> str:
        """`3`, `3–5`, `3, 5`."""
        if len(self.numbers) > 1 and self.numbers[-1] - self.numbers[0] == len(self.numbers) - 1:
            return f"{self.numbers[0]}–{self.numbers[-1]}"
        return ", ".join(map(str, self.numbers))

    @property
    def reach(self) -> float:
        """Half its width, and some air."""
        return 4.0 * len(self.text) + 3


@dataclass(frozen=True, slots=True)
class Lane:
    """All marks of one source, the gravest drawn last."""

    name: str
    y: float
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture. `band` is where the run itself stands, as x and width; None: there was none."""

    width: int
    height: int
    left: int
    right: int
    lanes: tuple[Lane, ...]
    axis: Axis
    ticks: tuple[Tick, ...]
    band: tuple[float, float] | None
    summary: str
    severities: tuple[str, ...]  # those that occur, mildest first: the legend

    @property
    def band_name(self) -> tuple[float, str]:
        """Where the band's name stands, and at which end it is held, so that it stays in the picture."""
        if self.band is None:
            return (self.right, "end")
        middle = self.band[0] + self.band[1] / 2
        return (middle, "middle") if middle < self.right - 30 else (self.right, "end")

    @property
    def floor(self) -> int:
        """Where the lanes end and the axis begins."""
        return TOP + LANE * len(self.lanes)


def chart(record: RunRecord, key: Sequence[Line]) -> Chart | None:
    """The picture of the record's timeline; None when there is nothing to draw."""
    if not record.timeline:
        return None
    shift = moved(record.cluster.skew if record.cluster else None)
    latest = max(moment.at for moment in record.timeline)
    ended = record.finished + shift if record.finished else max(latest, record.started + shift)
    return picture(record.timeline, key, (record.started + shift, ended))


def picture(timeline: Sequence[Moment], key: Sequence[Line], run: tuple[datetime, ...] = ()) -> Chart:
    """The picture of some moments, at least one; `run` is when the run began and ended, () where there was none."""
    instants = [*(moment.at for moment in timeline), *run]
    axis = Axis.over(instants, LEFT, WIDTH - RIGHT)
    lanes = tuple(_lanes(timeline, key, axis))
    start, end = (axis.x(run[0]), axis.x(run[1])) if run else (0.0, 0.0)
    found = {moment.severity if moment.severity in SEVERITIES else "info" for moment in timeline}
    return Chart(
        width=WIDTH,
        height=TOP + LANE * len(lanes) + 44,
        left=LEFT,
        right=WIDTH - RIGHT,
        lanes=lanes,
        axis=axis,
        ticks=tuple(axis.ticks()),
        band=(start - 5, max(end - start, 0) + 10) if run else None,
        summary=_summary(timeline, min(instants), max(instants)),
        severities=tuple(word for word in SEVERITIES if word in found),
    )


def _summary(timeline: Sequence[Moment], first: datetime, last: datetime) -> str:
    moments = figures.many(len(timeline), "moment")
    return (
        f"{moments} from {figures.instant(first)} to {figures.instant(last)}. The table below says the same in words."
    )


def _lanes(timeline: Iterable[Moment], key: Sequence[Line], axis: Axis) -> Iterator[Lane]:
    bins: dict[str, dict[int, list[Moment]]] = defaultdict(lambda: defaultdict(list))
    labels: dict[str, list[Label]] = defaultdict(list)
    for moment in timeline:
        bins[SOURCES.get(moment.source, OTHER)][int(axis.x(moment.at) // BIN)].append(moment)
    for line in key:
        near = labels[SOURCES.get(line.moment.source, OTHER)]
        _place(Label(axis.x(line.moment.at), (line.number,), line.moment.severity), near)
    present = [name for name in (*SOURCES.values(), OTHER) if name in bins]
    for place, name in enumerate(present):
        y = TOP + LANE * (place + 0.6)
        marks = [_mark(found, axis, y) for _, found in sorted(bins[name].items())]
        yield Lane(name, y, tuple(sorted(marks, key=lambda mark: rank(mark.severity))), tuple(labels[name]))


def _mark(found: list[Moment], axis: Axis, y: float) -> Mark:
    top = max(found, key=lambda moment: rank(moment.severity))
    x, radius = axis.x(top.at), 4 + min(2.5, math.log10(len(found)))
    more = f" and {figures.count(len(found) - 1)} more here" if len(found) > 1 else ""
    severity = SEVERITIES[rank(top.severity)]
    return Mark(shape(severity, x, y, radius), severity, f"{figures.instant(top.at)}, {severity}: {top.what}{more}")


def _place(label: Label, labels: list[Label]) -> None:
    """Put `label` to the right of `labels`, joined with those it would touch."""
    while labels and label.x - labels[-1].x < label.reach + labels[-1].reach:
        other = labels.pop()
        worse = max(other.severity, label.severity, key=rank)
        numbers = (*other.numbers, *label.numbers)
        middle = (other.x * len(other.numbers) + label.x * len(label.numbers)) / len(numbers)
        label = Label(middle, numbers, worse)
    labels.append(label)


def shape(severity: str, x: float, y: float, radius: float) -> str:
    """The path of a mark: stroke, circle, diamond, triangle, square, so that its grade shows without colour."""
    r = radius
    if severity == "info":
        return f"M{x:.1f} {y - r:.1f}v{2 * r:.1f}"
    if severity == "low":
        return f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0z"
    if severity == "medium":
        corners = [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]
    elif severity == "high":
        corners = [(0, -1.4), (1.3, 0.95), (-1.3, 0.95)]
    else:
        corners = [(-1.1, -1.1), (1.1, -1.1), (1.1, 1.1), (-1.1, 1.1)]
    return "M" + "L".join(f"{x + dx * r:.1f} {y + dy * r:.1f}" for dx, dy in corners) + "z"
