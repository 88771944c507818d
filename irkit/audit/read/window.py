"""A time window: by when a line was written (stageTimestamp), which is the order of a log."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from irkit.audit.read.blocks import LINE, Form, Source, blocks
from irkit.audit.read.event import decode
from irkit.errors import UsageError
from irkit.times import rfc3339

STEP = 4 << 20  # bytes between two looks at the time
SLACK = timedelta(minutes=1)  # requests that end together are written in no strict order


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` to `until`, both included; None: open on that side. Raises UsageError where that is backwards."""

    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.since > self.until:
            raise UsageError(
                f"the time ends before it begins: from {rfc3339(self.since)} until {rfc3339(self.until)}",
                "--since is the earlier of the two, and of two ages the greater: --since 36h --until 12h",
            )

    @property
    def open(self) -> bool:
        """True for a window that holds everything."""
        return self.since is None and self.until is None

    @property
    def early(self) -> datetime | None:
        """`since` less SLACK: what a log was given before, nobody need look into."""
        return self.since and _moved(self.since, -SLACK)

    @property
    def late(self) -> datetime | None:
        """`until` and SLACK: likewise of what it was given after."""
        return self.until and _moved(self.until, SLACK)

    def holds(self, at: datetime | None) -> bool:
        """Whether `at` is inside; an event that bears no time always is."""
        early = at and self.since and at < self.since
        late = at and self.until and at > self.until
        return not (early or late)

    def within(self, source: Source) -> tuple[int, int]:
        """The byte range of a source that may hold lines of this window: all of it unless it is plain and in order.

        All of it, too, where it cannot be looked into any more: whoever reads it says why.
        """
        try:
            return self._range(source)
        except OSError:
            return 0, source.size

    def _range(self, source: Source) -> tuple[int, int]:
        everything = 0, source.size
        if self.open or source.form is not Form.NATIVE:
            return everything
        if source.packed:
            return (0, 0) if self._beside(source) else everything
        places = list(range(0, source.size, STEP))
        times = _times(source, places)
        if times != sorted(times):
            return everything
        low = bisect_left(times, self.early) - 1 if self.early else 0
        high = bisect_right(times, self.late) if self.late else len(places)
        return places[max(low, 0)], places[high] if high < len(places) else source.size

    def _beside(self, source: Source) -> bool:
        """Whether a compressed log lies wholly outside: it begins after `until`, or was written before `since`.

        A file is never written before its last event. A time of writing that lies before its first one is no such
        time (an archive lost it, somebody set it), and nothing is concluded from it.
        """
        first = _first(source)
        written = datetime.fromtimestamp(source.path.stat().st_mtime, UTC)
        late = first and self.late and first > self.late
        early = first and self.early and first <= written < self.early
        return bool(late or early)


def _moved(at: datetime, by: timedelta) -> datetime:
    """An end of time stays where it is."""
    try:
        return at + by
    except OverflowError:
        return at


def _first(source: Source) -> datetime | None:
    """The time of the first readable event of a source, looked for in its first block; None: it bears none."""
    lines = next((block.lines() for block in blocks(source)), iter(()))
    events = (decode(line) for _, line in lines)
    return next((event.written for event in events if event and event.written), None)


def _times(source: Source, places: list[int]) -> list[datetime]:
    """The time of the first readable line at or after each place; the last time again where there is none."""
    found = [datetime.min.replace(tzinfo=UTC)]
    with source.path.open("rb") as file:
        for place in places:
            file.seek(place)
            if place:
                file.readline(LINE)
            event = decode(file.readline(LINE))
            found.append((event and event.written) or found[-1])
    return found[1:]
