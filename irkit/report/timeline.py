"""The timeline: what audit log, events, pod and run say, in order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from irkit.model.run import Moment, StepRecord, Target
from irkit.report import figures
from irkit.report.moments import audit, events, pod, run
from irkit.report.moments.source import Skipped


def moments(data: Path, target: Target | None, steps: Iterable[StepRecord]) -> tuple[Moment, ...]:
    """Every moment that the staged evidence under `data` and the run's `steps` tell.

    Missing files say nothing. What cannot be read is counted in a last moment per file.
    """
    found: list[Moment] = []
    skipped: Counter[Skipped] = Counter()
    for item in chain(audit.moments(data, target), events.moments(data), pod.moments(data, target), run.moments(steps)):
        if isinstance(item, Skipped):
            skipped[item] += 1
        else:
            found.append(item)
    found.sort(key=lambda moment: moment.at)
    return (*found, *_confessed(skipped, data, found[-1].at if found else None))


def _confessed(skipped: Counter[Skipped], data: Path, last: datetime | None) -> Iterator[Moment]:
    """One moment per file and reason, at the end; a timeline with nothing else takes the file's own time."""
    for item, number in sorted(skipped.items(), key=lambda entry: (entry[0].path, entry[0].why)):
        at = last or datetime.fromtimestamp((data / item.path).stat().st_mtime, UTC)
        entries = figures.many(number, "entry", "entries")
        yield Moment(
            at, "irkit", "irkit", f"not in this timeline: {entries} of {item.path}, which {item.why}", "low", item.path
        )
