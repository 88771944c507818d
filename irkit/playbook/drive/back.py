"""The way back: what a run changed on the cluster, taken back, last change first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from irkit.model.run import Outcome, Status, StepRecord
from irkit.playbook.drive.given import context
from irkit.playbook.drive.guarded import guarded
from irkit.playbook.drive.lease import Lease
from irkit.playbook.drive.under_way import UnderWay
from irkit.playbook.registry import step
from irkit.playbook.schema import StepSpec
from irkit.playbook.steps.step import Context


def undo(run: UnderWay, by: Mapping[str, Any], *, dry_run: bool) -> tuple[StepRecord, ...]:
    """Take back every step that changed the cluster, last first. The journal says first that `by` did it."""
    ledger, taken_back = run.journal.ledger, []
    undoable = [spec for spec in reversed(run.playbook.every_step) if not run.dry_run and _undoable(run, spec)]
    if undoable and not dry_run:
        run.journal.append("run.undoing", **by)
    for spec in undoable:
        if ledger.attempts[spec.id].outcome is None and not dry_run:
            run.journal.append("step.ended", step=spec.id, outcome=Outcome(Status.FAILED, "cut off, then undone"))
        given = context(run, spec, Lease(), dry_run=dry_run, undo=True)
        outcome = guarded(partial(_taken_back, run, spec, given))
        if outcome is None:
            continue
        if dry_run:
            taken_back.append(ledger.attempts[spec.id].undone(outcome, run.clock()))
        else:
            run.journal.append("step.undone", step=spec.id, outcome=outcome)
            taken_back.append(ledger.undone[spec.id])
    return tuple(taken_back)


def _taken_back(run: UnderWay, spec: StepSpec, given: Context) -> Outcome | None:
    """As the playbook's author says, or as the step itself does."""
    if spec.undo:
        return step(spec.undo.uses).run(run.undoing[spec.id], given)
    return step(spec.does).undo(run.params[spec.id], given)


def _undoable(run: UnderWay, spec: StepSpec) -> bool:
    ledger = run.journal.ledger
    attempt = ledger.attempts.get(spec.id)
    acted = attempt is not None and (attempt.intended or attempt.outcome is not None and attempt.outcome.actions)
    return bool(acted) and step(spec.does).effect.changes_cluster and not ledger.is_undone(spec.id)
