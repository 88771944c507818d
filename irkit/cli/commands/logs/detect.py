"""`irkit audit detect`: attacks in the audit log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irkit.cli import completing
from irkit.cli.command import command
from irkit.cli.commands.logs.audit import Afar, Since, Sources, Until, audits, instant, shared
from irkit.cli.face import Face, Output
from irkit.errors import Exit, UsageError

if TYPE_CHECKING:
    from irkit.audit.detect.detect import Coverage
    from irkit.audit.detect.fresh.known import Known
    from irkit.audit.detect.rule import Rule
    from irkit.model.audit import Finding

AllowFile = Annotated[
    Path | None, typer.Option("--allow", metavar="FILE", help="Who may do what without a finding (YAML).")
]
Only = Annotated[
    list[str] | None,
    typer.Option("--rule", metavar="ID", help="Judge by this rule alone. Repeats.", autocompletion=completing.rules),
]
SigmaPaths = Annotated[
    list[Path] | None, typer.Option("--sigma", metavar="PATH", help="Sigma rules: a file or a folder. Repeats.")
]
KnownFile = Annotated[
    Path | None,
    typer.Option("--known", metavar="FILE", help="Report what ordinary days did not know (audit baseline)."),
]
CompareIds = Annotated[bool, typer.Option("--ids", help="Compare audit ids, however large the log.")]
_STYLES = {"critical": "bad", "high": "bad", "medium": "warn", "low": "", "info": "dim"}


@command(audits, "detect", online=False)
def detect(
    face: Face,
    sources: Sources,
    since: Since = None,
    until: Until = None,
    allow: AllowFile = None,
    rule: Only = None,
    sigma: SigmaPaths = None,
    known: KnownFile = None,
    ids: CompareIds = False,
    queue: Afar = None,
) -> Exit:
    """Find attacks, and say what the log did not let them see. Exit 4: a source is missing."""
    from irkit.audit.detect.allow.entries import Allow, load
    from irkit.audit.detect.detect import detect as judge
    from irkit.audit.detect.kept.doubles import SMALL
    from irkit.audit.detect.sigma.load import load as rules_of

    excused = load(allow) if allow else Allow()
    theirs, refused = rules_of(sigma) if sigma else ((), ())
    days = _days(known, rule or [])
    start, end, only = instant(since), instant(until), rule or ()
    with shared(face, queue) as share:
        report = judge(
            sources, allow=excused, since=start, until=end, only=only, sigma=theirs, days=days, ids=ids, share=share
        )
    report = replace(report, coverage=replace(report.coverage, gaps=(*report.coverage.gaps, *refused)))
    face.emit(report, lines=report.findings)
    if face.output is Output.TEXT:
        _tell(face, report.findings, {one.id: one.rule for one in theirs})
        _confess(face, report.coverage)
        if report.events and not report.coverage.compared and not rule:
            face.show(f"not compared: audit ids, in a log of more than {SMALL >> 20} MiB; --ids does it", "dim")
    face.note(f"{len(report.findings)} findings in {report.events} events", "dim")
    return face.missing(report.coverage.gaps)


def _days(known: Path | None, only: list[str]) -> Known | None:
    from irkit.audit.detect.fresh.known import HINT, load
    from irkit.audit.detect.registry import NEWCOMERS

    if known:
        return load(known)
    if new := [rule.id for rule in NEWCOMERS if rule.id in only]:
        raise UsageError(f"{new[0]} needs --known FILE", HINT)
    return None


def _tell(face: Face, findings: tuple[Finding, ...], theirs: dict[str, Rule]) -> None:
    from irkit.audit.detect.registry import BY_ID, by_gravity

    for rule, found in by_gravity(findings, BY_ID | theirs):
        known = ", ".join(filter(None, (rule.id, rule.techniques[0])))
        face.show(f"{rule.severity}: {rule.title} [{known}]", _STYLES[rule.severity])
        for one in found:
            face.show(f"  {one.at:%Y-%m-%dT%H:%M:%SZ}  {one.actor}  {one.target}  ({one.reason})")


def _confess(face: Face, coverage: Coverage) -> None:
    """What the findings do not cover; nothing where they cover all."""
    from irkit.audit.detect.kept.chains import LINKS
    from irkit.audit.detect.kept.doubles import KEPT

    for rule, count in coverage.blind.items():
        face.show(f"blind: {rule} could not judge {count} requests, whose bodies were not logged", "warn")
    for rule, count in coverage.allowed.items():
        face.show(f"allowed: {count} events of {rule}", "dim")
    for rule, count in coverage.unreviewed.items():
        face.show(f"unreviewed: {count} events of {rule} passed by learned entries that nobody has reviewed", "warn")
    if coverage.malformed:
        face.show(f"skipped: {coverage.malformed} lines that are not audit events", "warn")
    if coverage.dropped:
        face.show(f"dropped: {coverage.dropped} groups of events past the limit of what is kept", "warn")
    if coverage.forgotten:
        told = f"at most {KEPT:,} audit ids are kept; {coverage.forgotten:,} were evicted, the oldest first"
        face.show(f"evicted: {told}: one that was used twice may have been missed", "warn")
    if coverage.evicted:
        kept = f"at most {LINKS:,} halves of sequences are kept; {coverage.evicted:,} were evicted, the oldest first"
        face.show(f"evicted: {kept}: a sequence may have been missed", "warn")
