"""A sealed bundle as a source of a timeline: its audit events, and the moments that its report tells."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from irkit.errors import UsageError

if TYPE_CHECKING:
    from irkit.audit.timeline.timeline import Timeline
    from irkit.model.run import Moment

EVENTS, REPORT = "data/audit/events.jsonl", "data/report/report.json"


Tell = Callable[[list[str], tuple["Moment", ...]], "Timeline"]


def timeline(sources: list[str], tell: Tell) -> Timeline:
    """What `tell` makes of the sources, or of the bundle that they name and the moments of its report.

    Raises UsageError for a bundle among other sources.
    """
    if not any(name.endswith((".tar.gz", ".tgz")) for name in sources):
        return tell(sources, ())
    if len(sources) > 1:
        raise UsageError("a bundle is told alone: it has an order and a clock of its own", "name nothing beside it")
    with tempfile.TemporaryDirectory(prefix="irkit-bundle-") as folder:
        log = Path(folder) / "events.jsonl"
        moments = _unpacked(Path(sources[0]), log)
        return _named(tell([str(log)] if log.exists() and log.stat().st_size else [], moments), Path(sources[0]))


def _unpacked(bundle: Path, log: Path) -> tuple[Moment, ...]:
    """The moments of its report; its audit events go to `log`."""
    from irkit.bundle.reader import contents
    from irkit.report.load import load

    moments: tuple[Moment, ...] = ()
    for name, _, chunks in contents(bundle):
        if name == REPORT:
            moments = load(b"".join(chunks)).timeline
        elif name == EVENTS:
            with log.open("wb") as out:
                out.writelines(chunks)
    return moments


def _named(told: Timeline, bundle: Path) -> Timeline:
    """The same, its requests standing where they stand in the bundle."""
    where = f"{bundle.name}/{EVENTS}"
    lines = (
        structs.replace(line, source=f"{where}:{line.source.rpartition(':')[2]}") if line.kind == "request" else line
        for line in told.lines
    )
    return replace(told, lines=tuple(lines), sources=(where,) if told.sources else ())
