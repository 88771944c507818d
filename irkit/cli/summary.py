"""A run told to the person who ran it: what was done, what is missing, how to undo it, what to run next."""

from __future__ import annotations

from collections.abc import Iterator

from irkit.cli.face import Face
from irkit.model.evidence import Gap
from irkit.model.isolation import Isolation, Verdict
from irkit.model.run import RunRecord, Status
from irkit.playbook.runs import Run
from irkit.settings import home

_MEANING = {
    Verdict.PROVEN: "measured with packets",
    Verdict.CLAIMED: "the policy engine says so",
    Verdict.UNVERIFIED: "no policy admits traffic; not measured whether that is enforced",
    Verdict.INEFFECTIVE: "something still gets through",
}
MEASURED = ("packets", "flows")  # kinds of proof that a reader needs to see beside the verdict
MOST = 30  # gaps that are told one by one
_SIZES = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size(count: float) -> str:
    """Bytes for a reader: "1.4 MiB"."""
    for unit in _SIZES[:-1]:
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} {_SIZES[-1]}"


def conclude(face: Face, record: RunRecord) -> None:
    """The whole run on stdout."""
    from irkit.playbook import runs

    for label, text, style in lines(runs.show(home(), record.id)):
        face.show(f"{label:<10} {text}", style)


def lines(run: Run) -> Iterator[tuple[str, str, str]]:
    """A run as (label, text, style), in the order in which a reader needs it."""
    record = run.record
    if record.dry_run:
        yield "dry run", "nothing was changed and no evidence was taken", "bold"
        yield from (("plan", action.what, "") for step in record.steps for action in step.actions)
    yield from _target(record)
    if record.isolation:
        yield from isolation_lines(record.isolation, dry_run=record.dry_run)
    if record.artifacts or record.gaps:
        total = size(sum(artifact.size for artifact in record.artifacts))
        yield "evidence", f"{len(record.artifacts)} files, {total}", ""
    missing = [gap for gap in record.gaps if not gap.expected]
    for gap in missing[:MOST]:
        yield from _gap(gap)
    if missing[MOST:]:
        yield "missing", f"and {len(missing) - MOST} more: the report and collection.json list all", "warn"
    if record.audit:
        tiers = ", ".join(f"{count} by {tier}" for tier, count in record.audit.matched.items() if count)
        total = f"{sum(record.audit.matched.values())} of {record.audit.events} events concern {record.whom}"
        yield "audit", f"{total}{f' ({tiers})' if tiers else ''}", ""
    yield from _left_out(record)
    yield from _kept(run)
    yield from _next(run)


def _target(record: RunRecord) -> Iterator[tuple[str, str, str]]:
    if record.target:
        at = f" on {record.target.node}" if record.target.node else ""
        yield "pod", f"{record.target.namespace}/{record.target.name}{at}, uid {record.target.uid}", "bold"
    if record.scope:
        yield "pods", f"{record.scope.namespace}/{record.scope.what}: {len(record.scope.pods)}", "bold"


def isolation_lines(isolation: Isolation, *, dry_run: bool = False) -> Iterator[tuple[str, str, str]]:
    """The verdict, what gets around it, and what to know."""
    for direction, verdict in isolation.verdict.items():
        style = "bad" if verdict is Verdict.INEFFECTIVE else "good"
        yield f"{direction}", f"{verdict}: {_MEANING[verdict]}", style
    for proof in isolation.proof:
        if proof.kind in MEASURED:
            yield "measured", f"{proof.detail}: {proof.result}" if proof.detail else proof.result, ""
    for left in isolation.residual:
        yield "residual", f"{left.direction} by {left.policy}: {left.why}", "bad"
    for what in isolation.preserved:
        yield "would keep" if dry_run else "kept", what, ""
    for warning in isolation.warnings:
        yield "note", warning, "warn"


def _gap(gap: Gap) -> Iterator[tuple[str, str, str]]:
    yield "missing", f"{gap.target}: {gap.reason}, {gap.detail}", "warn"
    if gap.remedy:
        yield "", f"try: {gap.remedy}", "dim"


def _left_out(record: RunRecord) -> Iterator[tuple[str, str, str]]:
    """The steps that never ran, by the step whose end kept them from it."""
    for cause in dict.fromkeys(step.blocked for step in record.steps if step.blocked):
        names = ", ".join(step.id for step in record.steps if step.blocked == cause)
        yield "not done", f"{names}, because {cause} did not end well", "warn"


def _kept(run: Run) -> Iterator[tuple[str, str, str]]:
    if run.bundle:
        yield "bundle", f"{run.bundle.path}  ({size(run.bundle.size)}, sha256 {run.bundle.sha256})", ""
    if run.receipt:
        yield "stored", f"{run.receipt.url}  (read back and compared)", "good"
    from irkit.playbook.journal.shown import report

    if (page := report(run.folder)).exists():
        yield "report", str(page), ""


def _next(run: Run) -> Iterator[tuple[str, str, str]]:
    record = run.record
    for step in record.steps:
        if step.status is Status.WAITING:
            yield "waits", f"{step.id} {step.summary}", "warn"
            yield "answer", f"irkit run approve {record.id}, or irkit run deny {record.id}", ""
            yield "go on", f"irkit run resume {record.id}  (once it is answered; a worker does so by itself)", ""
    if any(step.status is Status.FAILED for step in record.steps):
        yield "go on", f"irkit run resume {record.id}  (what is done is not repeated)", ""
    if any(action.undo for step in record.steps for action in step.actions):
        yield "undo", f"irkit run undo {record.id}", ""
    if run.bundle:
        yield "verify", f"irkit bundle verify {run.bundle.path}", ""
