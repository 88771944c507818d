"""What a step is given: the run as it is, and closures that journal before anything follows from what they tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from irkit import digest
from irkit.cluster.protocol import Cluster
from irkit.errors import Refused
from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Change
from irkit.model.run import Status
from irkit.playbook.approvals.gate import passed
from irkit.playbook.drive.lease import Lease
from irkit.playbook.drive.under_way import UnderWay
from irkit.playbook.schema import StepSpec
from irkit.playbook.steps.step import Context


def context(run: UnderWay, spec: StepSpec, lease: Lease, *, dry_run: bool, undo: bool = False) -> Context:
    """The context of the latest attempt at `spec`, for as long as its lease lasts."""
    with run.journal.lock:
        return _context(run, spec, lease, dry_run=dry_run, undo=undo)


def _context(run: UnderWay, spec: StepSpec, lease: Lease, *, dry_run: bool, undo: bool) -> Context:
    ledger = run.journal.ledger
    attempt = ledger.attempts[spec.id]
    record = ledger.record()
    steps = tuple(one for one in record.steps if one.status is not Status.RUNNING)
    head = ledger.head
    rails = run.rails.rules.sha256 if run.rails else ""
    return Context(
        run=run.folder.name,
        case=head["case"],
        folder=run.folder,
        store=run.store,
        sealing=run.sealing,
        record=replace(record, steps=steps, status=ledger.outcome_status()),
        started=attempt.started,
        custody=tuple(_bare(one) for one in run.journal.records[: attempt.seq + 1]),
        connect=lambda: _within(run.connect(), lease.left),
        clock=run.clock,
        intend=_intender(run, spec, lease, dry_run=dry_run, undo=undo),
        keep=_keeper(run, spec, lease),
        ask=lambda asking: passed(spec, asking, run.journal, run.ahead(spec), rails, run.clock()),
        dry_run=dry_run,
        intended=() if undo else tuple(attempt.intended),
        held={} if undo else _held(run, spec),
        sealed=ledger.bundle(run.folder),
    )


def _within(cluster: Cluster, seconds: float | None) -> Cluster:
    return cluster if seconds is None else cluster.within(seconds)


def _intender(run: UnderWay, spec: StepSpec, lease: Lease, *, dry_run: bool, undo: bool) -> Callable[[Change], None]:
    def intend(change: Change) -> None:
        with run.journal.lock:
            lease.check()
            if not (dry_run or undo):
                _limit(run, change)
            if not dry_run:
                run.journal.append("undo.intended" if undo else "change.intended", step=spec.id, change=change)
            run.progress.item(spec.id, change)

    return intend


def _limit(run: UnderWay, change: Change) -> None:
    """Raise Refused for a change that the playbook's limits have no room for."""
    limits, made = run.playbook.limits, run.journal.ledger.changes
    # Sent again, because somebody came in between or the attempt before failed, it is the same change.
    different = {(one.action, one.kind, one.namespace, one.name, one.detail) for one in (*made, change)}
    if limits.max_mutations is not None and len(different) > limits.max_mutations:
        raise Refused(f"the playbook's limit of {limits.max_mutations} changes is reached")
    pods = {(one.namespace, one.name) for one in (*made, change) if one.kind == "Pod"}
    if limits.max_pods is not None and len(pods) > limits.max_pods:
        raise Refused(f"the playbook's limit of {limits.max_pods} pods is reached")


def _keeper(run: UnderWay, spec: StepSpec, lease: Lease) -> Callable[[Artifact | Gap], None]:
    def keep(item: Artifact | Gap) -> None:
        kind = "artifact" if isinstance(item, Artifact) else "gap"
        with run.journal.lock:
            lease.check()
            # Nothing follows from it before the step's end: what a power cut loses of these is taken again.
            run.journal.note(kind, **{"step": spec.id, kind: item})
            run.progress.item(spec.id, item)

    return keep


def _held(run: UnderWay, spec: StepSpec) -> dict[str, Artifact]:
    """The step's own evidence that is still on disk as it was journalled; the rest is journalled as discarded.

    What was changed is no evidence any more, and no collector is to follow it: it leaves the payload for the run's
    folder discarded/.
    """
    held = {}
    discard = partial(run.journal.append, "artifact.discarded", step=spec.id)
    for path, artifact in run.journal.ledger.taken_by(spec.id).items():
        file = run.folder / "data" / path
        if not file.is_file():
            discard(path=path, why="missing")
        elif digest.of_file(file).sha256 != artifact.sha256:
            _set_aside(run, spec, path)  # first: once it is journalled, nobody looks at it again
            discard(path=path, why="changed")
        else:
            held[path] = artifact
    return held


def _set_aside(run: UnderWay, spec: StepSpec, path: str) -> None:
    attempt = run.journal.ledger.attempts[spec.id].seq
    aside = run.folder / "discarded" / str(attempt) / path
    aside.parent.mkdir(parents=True, exist_ok=True)
    (run.folder / "data" / path).replace(aside)


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("seq", "prev_sha256")}
