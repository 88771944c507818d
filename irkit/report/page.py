"""Everything the templates show, as plain values: they lay out, they decide nothing."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from irkit.model.audit import AuditSummary
from irkit.model.evidence import Artifact
from irkit.model.isolation import Direction, Isolation
from irkit.model.pod import Scope, Target
from irkit.model.run import Action, Moment, RunRecord
from irkit.report import figures
from irkit.report.story import words
from irkit.report.story.advice import advice
from irkit.report.story.chart import chart
from irkit.report.story.grouping import Lines, lines
from irkit.report.story.headline import headline
from irkit.report.timeline import moved

FILES = 200  # rows shown of one folder of evidence
ROWS = 200  # rows shown of any other table
NOTABLE = 25

Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """The files of one folder. `left_out` of them are not shown."""

    name: str
    files: Sequence[Artifact]
    count: int
    size: int

    @property
    def left_out(self) -> int:
        """How many files have no row."""
        return self.count - len(self.files)


def page(record: RunRecord) -> dict[str, Any]:
    """The context of report.html and report.md."""
    told = lines(record.timeline)
    return {
        "record": record,
        "headline": headline(record),
        "advice": advice(record),
        "facts": _scope(record.scope) if record.scope else _target(record.target),
        "directions": _directions(record.isolation),
        "lines": told,
        "key": told.key,
        "chart": chart(record, told.key),
        "groups": _groups(record.artifacts),
        "lost": [gap for gap in record.gaps if not gap.expected],
        "expected": [gap for gap in record.gaps if gap.expected],
        "audit": record.audit,
        "tiers": _tiers(record.audit),
        "coverage": _coverage(record.audit),
        "notable": _notable(record.timeline),
        "undo": _undo(record),
        "custody": _custody(record),
        "whole": "timeline.jsonl",
        "words": words,
        "figures": figures,
        "ROWS": ROWS,
    }


def _scope(scope: Scope) -> list[Fact]:
    pods = [(f"Pod {pod.name}", f"uid {pod.uid}, node {pod.node or 'none'}") for pod in scope.pods[:ROWS]]
    return [("Namespace", scope.namespace), ("Pods", f"{scope.what}: {len(scope.pods)}"), *pods]


def _target(target: Target | None) -> list[Fact]:
    if target is None:
        return []
    images = [(f"Image of {container}", image) for container, image in sorted(target.images.items())][:ROWS]
    return [
        ("Namespace", target.namespace),
        ("Pod", target.name),
        ("UID", target.uid),
        ("Owner", target.owner or "none: a bare pod"),
        ("Node", target.node or "not scheduled"),
        ("Phase", target.phase or "not known"),
        ("Addresses", ", ".join(target.pod_ips) or "none"),
        ("Service account", target.service_account or "not known"),
        ("Created", figures.instant(target.created) if target.created else "not known"),
        *([("Being deleted since", figures.instant(target.deleted))] if target.deleted else []),
        *images,
    ]


def _directions(isolation: Isolation | None) -> list[tuple[str, words.Sense, str, list[Any]]]:
    """Per direction: its name, what its verdict means, families that differ, and what still gets through."""
    if isolation is None:
        return []
    found = []
    for direction in Direction:
        verdict = isolation.verdict.get(direction)
        sense = words.VERDICTS[verdict] if verdict else words.NO_VERDICT
        open_ = [residual for residual in isolation.residual if residual.direction is direction]
        found.append((words.DIRECTIONS[direction], sense, _families(isolation, direction), open_))
    return found


def _families(isolation: Isolation, direction: Direction) -> str:
    """Such as "IPv4: proven, IPv6: unverified"; nothing where they are all the same."""
    by = isolation.families.get(direction, {})
    return ", ".join(f"{family}: {verdict}" for family, verdict in by.items()) if len(set(by.values())) > 1 else ""


def _groups(artifacts: Iterable[Artifact]) -> list[Group]:
    """By first folder, in the order in which the folders were first written."""
    folders: dict[str, list[Artifact]] = defaultdict(list)
    for artifact in artifacts:
        folder, _, rest = artifact.path.partition("/")
        folders[folder if rest else "."].append(artifact)
    return [
        Group(name, sorted(files, key=lambda file: file.path)[:FILES], len(files), sum(file.size for file in files))
        for name, files in itertools.islice(folders.items(), ROWS)
    ]


def _tiers(audit: AuditSummary | None) -> list[tuple[str, str, int]]:
    """Number, meaning and count of each tier that matched anything, surest first."""
    matched = audit.matched if audit else {}
    named = [(*words.TIERS.get(name.upper(), ("", name)), number) for name, number in matched.items()]
    return sorted(named, key=lambda row: (row[0] or "9", row[1]))


def _coverage(audit: AuditSummary | None) -> list[Fact]:
    if audit is None:
        return []
    levels = ", ".join(f"{level} {figures.count(number)}" for level, number in sorted(audit.levels.items()))
    window = "no event read"
    if audit.first and audit.last:
        window = f"{figures.instant(audit.first)} to {figures.instant(audit.last)}"
    blind = ", ".join(f"{rule} {figures.count(number)}" for rule, number in sorted(audit.blind.items()))
    return [
        ("Sources", ", ".join(audit.sources) or "none"),
        ("Window", window),
        ("Events read", figures.count(audit.events)),
        ("Lines that are no audit events", figures.count(audit.malformed)),
        ("Duplicates", figures.count(audit.duplicates)),
        ("Levels of the matched events", levels or "none"),
        *([("Requests that rules could not judge, their bodies not logged", blind)] if blind else []),
    ]


def _notable(timeline: Iterable[Moment]) -> Lines:
    """The audit moments of medium gravity and above."""
    least = words.rank("medium")
    return lines((m for m in timeline if m.source == "audit" and words.rank(m.severity) >= least), limit=NOTABLE)


def _undo(record: RunRecord) -> list[Action]:
    """Last done, first undone."""
    actions = [action for step in record.steps for action in step.actions if action.undo]
    return list(reversed(actions))[:ROWS]


def _custody(record: RunRecord) -> list[Fact]:
    cluster = record.cluster
    skew = "not measured"
    if cluster and cluster.skew is not None:
        told = "; irkit's own times stand moved by it in the timeline" if moved(cluster.skew) else ""
        skew = f"{cluster.skew:+.3f} s (server minus this host){told}"
    return [
        ("Case", record.case or "none given"),
        ("Authority", record.authority or "not stated"),
        ("Run", record.id),
        ("Operator", record.operator.os_user),
        ("Host", record.operator.host),
        ("Kubernetes user", record.operator.kubernetes_user or "not told by the API"),
        ("Cluster", cluster.server if cluster else "never reached"),
        ("Kubernetes version", cluster.version if cluster else "not known"),
        ("Context", (cluster.context or "in-cluster") if cluster else "not known"),
        ("Clock difference", skew),
        ("Began", figures.instant(record.started)),
        ("Ended", figures.instant(record.finished) if record.finished else "not when this was written"),
        ("irkit", record.tool_version),
        ("SHA-256 of irkit's files", record.tool_sha256 or "not known"),
        ("Playbook", record.playbook),
        ("SHA-256 of the playbook", record.playbook_sha256 or "not known"),
        ("Bundle", record.bundle or "not sealed when this was written"),
    ]
