"""The timeline: what audit log, findings, events, pod, logs and run say, in order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from irkit.model.pod import Target
from irkit.model.run import Moment, StepRecord
from irkit.report import figures
from irkit.report.moments import audit, events, findings, logs, pod, run
from irkit.report.moments.source import Skipped

SKEW = 1.0  # seconds; less cannot be told, since the server's Date header counts whole seconds


def moments(
    data: Path, target: Target | None, steps: Iterable[StepRecord], skew: float | None = None
) -> tuple[Moment, ...]:
    """Every moment that the staged evidence under `data` and the run's `steps` tell, by the API server's clock.

    `skew` is that clock minus ours in seconds, None where it is not known: our own steps are moved by it, and said so.
    Missing files say nothing. What cannot be read is counted in a last moment per file.
    """
    found: list[Moment] = []
    skipped: Counter[Skipped] = Counter()
    for item in chain(
        audit.moments(data, target),
        findings.moments(data),
        events.moments(data),
        pod.moments(data, target),
        logs.moments(data),
        run.moments(steps, moved(skew)),
    ):
        if isinstance(item, Skipped):
            skipped[item] += 1
        else:
            found.append(item)
    found.sort(key=lambda moment: moment.at)
    return (*found, *_confessed(skipped, data, found[-1].at if found else None))


def moved(skew: float | None) -> timedelta:
    """By how much our own times are moved; nothing where the clocks agree as far as can be told."""
    return timedelta(seconds=skew) if skew is not None and abs(skew) >= SKEW else timedelta()


def _confessed(skipped: Counter[Skipped], data: Path, last: datetime | None) -> Iterator[Moment]:
    """One moment per file and reason, at the end; a timeline with nothing else takes the file's own time."""
    for item, number in sorted(skipped.items(), key=lambda entry: (entry[0].path, entry[0].why)):
        at = last or datetime.fromtimestamp((data / item.path).stat().st_mtime, UTC)
        entries = figures.many(number, "entry", "entries")
        yield Moment(
            at, "irkit", "irkit", f"not in this timeline: {entries} of {item.path}, which {item.why}", "low", item.path
        )
