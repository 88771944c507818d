"""One step taken: begun in the journal, observed where it was cut off, done, ended in the journal."""

from __future__ import annotations

from functools import partial

from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.drive.given import context
from irkit.playbook.drive.guarded import guarded
from irkit.playbook.drive.under_way import UnderWay
from irkit.playbook.registry import step
from irkit.playbook.schema import StepSpec
from irkit.playbook.steps.step import Context


def perform(run: UnderWay, spec: StepSpec, stopped: str) -> Status:
    """How `spec` ends, now or before; WAITING when it has not ended. `stopped`: the step that stopped all others."""
    attempt = run.journal.ledger.attempts.get(spec.id)
    if attempt and attempt.outcome and run.settled(spec):
        return attempt.outcome.status
    resumed = attempt is not None and attempt.outcome is None
    blocked = "" if resumed else stopped or run.unmet(spec)
    if blocked and attempt and attempt.blocked == blocked:
        return Status.SKIPPED
    if not resumed:
        run.journal.append("step.started", step=spec.id, uses=spec.does, effect=step(spec.does).effect)
    run.progress.step_started(run.told(spec))
    outcome = _skip(blocked) if blocked else _outcome(run, spec, resumed=resumed)
    if outcome.status is not Status.WAITING:
        run.journal.append("step.ended", step=spec.id, outcome=outcome)
        run.progress.step_ended(run.told(spec))
    return outcome.status


def end(run: UnderWay, spec: StepSpec, outcome: Outcome) -> None:
    """Journal `outcome` of a step that is not taken."""
    attempt = run.journal.ledger.attempts.get(spec.id)
    if attempt is None or attempt.outcome is not None:
        run.journal.append("step.started", step=spec.id, uses=spec.does, effect=step(spec.does).effect)
    run.journal.append("step.ended", step=spec.id, outcome=outcome)
    run.progress.step_ended(run.told(spec))


def _skip(blocked: str) -> Outcome:
    return Outcome(Status.SKIPPED, f"not done, because {blocked} did not end well", {"blocked": blocked})


def _outcome(run: UnderWay, spec: StepSpec, *, resumed: bool) -> Outcome:
    acting, params = step(spec.does), run.params[spec.id]
    if run.dry_run and (acting.effect is Effect.COLLECT or spec.approve):
        return Outcome(Status.DONE, f"dry run: would {acting.about}")

    given = context(run, spec, dry_run=run.dry_run)

    def act() -> Outcome:
        found = acting.observe(params, given) if resumed else None
        if resumed and not spec.approve:
            run.journal.append("step.observed", step=spec.id, found=found is not None)
        return found or _act(run, spec, given)

    return guarded(act)


def _act(run: UnderWay, spec: StepSpec, given: Context) -> Outcome:
    """The deed itself; where nobody watches, only as far as the rails let it."""
    acting, params = step(spec.does), run.params[spec.id]
    if run.rails is None or run.dry_run or not acting.effect.changes_cluster:
        return acting.run(params, given)
    note = partial(run.journal.append, "rails.decided", step=spec.id)
    return run.rails.perform(spec.id, acting, params, given, lambda told: note(decision=told))
