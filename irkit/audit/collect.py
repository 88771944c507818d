"""The audit events of a pod, or many, as evidence: the lines as they were written, why each is there, what was read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from irkit import digest, times
from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.registry import BY_ID, by_severity
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.read.look import COLLECTOR
from irkit.audit.read.remote.place import Door, default_door
from irkit.audit.read.window import Window
from irkit.audit.search import View, search, search_all
from irkit.audit.told import proven
from irkit.model import codec
from irkit.model.audit import AuditSummary, Finding, Match
from irkit.model.evidence import Artifact, Gap
from irkit.model.pod import Target

FINDINGS = 500  # in the summary
IDS = 100  # audit ids of one finding there

_ABOUT = {
    "events.jsonl": "audit events that concern {whom}, as the API server wrote them, in time order",
    "matches.jsonl": "the same events, each with tier, reason, where it stood and its hash",
    "findings.jsonl": "what the rules of docs/detections.md say about these events, gravest first",
    "summary.json": "what was read and what matched",
}
Gathered = tuple[AuditSummary, list[Artifact | Gap]]


def gather(
    sources: Sequence[str],
    target: Target,
    into: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    clock: times.Clock = times.now,
    door: Door = default_door,
) -> Gathered:
    """Write the pod's audit events to `into/audit/`; sources that cannot be read are gaps, never errors.

    Raises OSError where the disk refuses.
    """
    found = search(sources, target, since=since, until=until, door=door)
    ((summary, items),) = (_written(view, into, "", "the pod", clock) for view in found.views(0))
    return summary, [*items, *found.gaps]


def gather_each(
    sources: Sequence[str],
    targets: Sequence[Target],
    within: Callable[[Target], str],
    into: Path,
    *,
    clock: times.Clock = times.now,
    door: Door = default_door,
) -> Gathered:
    """The same for many pods in one reading: each pod's events to `audit/` in the folder that `within` names for it.

    `into/audit/` has those of all of them, each once, with the pods it concerns; the summary is of these. The rules
    judge both: what somebody did to ten pods shows in no single one. A gap about one pod names it.
    """
    found = search_all(sources, targets, door=door)
    views = found.views(None, *range(len(targets)))
    summary, items = _written(next(views), into, "", "the pods", clock)
    for target, view in zip(targets, views, strict=True):
        gaps = [replace(gap, target=f"{gap.target} of pod {target.name}") for gap in view.gaps]
        items += _written(replace(view, gaps=gaps), into, within(target), f"pod {target.name}", clock)[1]
    return summary, [*items, *found.gaps]


def _written(view: View, into: Path, within: str, whom: str, clock: times.Clock) -> Gathered:
    """One view as files, with what the rules say about it; its gaps, too."""
    folder = into / within / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    work, watched = Watch(Allow(), Window()), Watched()
    with tempfile.TemporaryFile(dir=folder) as lines:
        explained = _explained(view.matches, lines, lambda raw: work.line(raw, watched))
        matches = digest.write(explained, folder / "matches.jsonl")
        lines.seek(0)
        events = digest.write(iter(lambda: lines.read(digest.CHUNK), b""), folder / "events.jsonl")
    findings = by_severity((*view.summary.findings, *watched.tally.findings(BY_ID)))
    told = digest.write((codec.compact(finding) + b"\n" for finding in findings), folder / "findings.jsonl")
    summary = replace(view.summary, findings=_few(findings), blind=dict(sorted(watched.blind.items())))
    written = digest.write([codec.pretty(summary)], folder / "summary.json")
    made = zip(_ABOUT, (events, matches, told, written), strict=True)
    return summary, [*(_artifact(within, name, whom, measured, clock()) for name, measured in made), *view.gaps]


def _few(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """As many as a journal and a report bear; `findings.jsonl` has them whole."""
    return tuple(replace(finding, audit_ids=finding.audit_ids[:IDS]) for finding in findings[:FINDINGS])


def _explained(found: Iterable[Match], lines: BinaryIO, judge: Callable[[bytes], None]) -> Iterator[bytes]:
    """The explained lines; the bare ones go to `lines` and the rules on the way, so that the search runs once."""
    for match in found:
        lines.write(match.raw + b"\n")
        judge(match.raw)
        yield proven(match)


def _artifact(within: str, name: str, whom: str, measured: digest.Digest, at: datetime) -> Artifact:
    about = _ABOUT[name].format(whom=whom)
    return Artifact(f"{within}audit/{name}", COLLECTOR, measured.sha256, measured.size, at, about=about)
