"""One step taken: begun in the journal, observed where it was cut off, done, ended in the journal; again if it may."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.drive.given import context
from irkit.playbook.drive.lease import Lease, held
from irkit.playbook.drive.under_way import UnderWay
from irkit.playbook.journal.record import GOOD
from irkit.playbook.language import judge
from irkit.playbook.registry import step
from irkit.playbook.schema import StepSpec
from irkit.playbook.steps.changes import begun
from irkit.playbook.steps.step import Context
from irkit.times import parse_span


def perform(run: UnderWay, spec: StepSpec, stopped: str, lease: Lease) -> Status:
    """How `spec` ends, now or before; WAITING when it has not ended. `stopped`: the step that stopped all others."""
    attempt = run.journal.ledger.attempts.get(spec.id)
    if attempt and attempt.outcome and (stopped == spec.id or run.settled(spec)):
        return attempt.outcome.status
    cut = attempt is not None and attempt.outcome is None
    blocked = "" if cut else stopped or run.unmet(spec)
    if blocked and attempt and attempt.blocked == blocked:
        return Status.SKIPPED
    lease.check()
    number = attempt.number if attempt and attempt.outcome and attempt.outcome.status is Status.FAILED else 0
    if not cut:
        _begin(run, spec, number + 1)
    run.progress.step_started(run.told(spec))
    if blocked:
        return end(run, spec, Outcome(Status.SKIPPED, f"not done, because {blocked} did not end well", _by(blocked)))
    if not cut and (unwanted := _unwanted(run, spec)):
        return end(run, spec, unwanted)
    return _until_it_works(run, spec, lease, doubtful=cut or bool(number))


def end(run: UnderWay, spec: StepSpec, outcome: Outcome) -> Status:
    """Journal how `spec` ended, which has begun."""
    run.journal.append("step.ended", step=spec.id, outcome=outcome)
    run.progress.step_ended(run.told(spec))
    return outcome.status


def refuse(run: UnderWay, spec: StepSpec, outcome: Outcome) -> None:
    """Journal `outcome` of a step that is not taken, or not gone on with."""
    attempt = run.journal.ledger.attempts.get(spec.id)
    if attempt is None or attempt.outcome is not None:
        _begin(run, spec, 1)
    end(run, spec, outcome)


def _begin(run: UnderWay, spec: StepSpec, number: int) -> None:
    effect = step(spec.does).effect
    run.journal.append("step.started", step=spec.id, uses=spec.does, effect=effect, attempt=number)


def _by(blocked: str) -> dict[str, str]:
    return {"blocked": blocked}


def _unwanted(run: UnderWay, spec: StepSpec) -> Outcome | None:
    """Left out, when its condition does not hold; None for a step that is wanted."""
    if not spec.condition or judge.holds(spec.condition, run.values(spec)):
        return None
    return Outcome(Status.SKIPPED, f"left out: {spec.condition} does not hold", {"condition": spec.condition})


def _until_it_works(run: UnderWay, spec: StepSpec, lease: Lease, *, doubtful: bool) -> Status:
    """Take it, and take it again while it fails and the playbook says so. `doubtful`: it may be done already."""
    retry, rest = run.playbook.retrying(spec), 0.0
    while True:
        outcome = _outcome(run, spec, lease, doubtful=doubtful)
        lease.check()
        if outcome.status is Status.WAITING:
            return outcome.status
        number = run.journal.ledger.attempts[spec.id].number
        status = end(run, spec, _admitting(run, spec, outcome))
        if status is not Status.FAILED or number >= retry.attempts or run.over_time():
            return status
        rest = min(rest * 2 or parse_span(retry.backoff).total_seconds(), parse_span(retry.max).total_seconds())
        run.rest(rest)
        lease.check()
        _begin(run, spec, number + 1)
        doubtful = True
        run.progress.step_started(run.told(spec))


def _admitting(run: UnderWay, spec: StepSpec, outcome: Outcome) -> Outcome:
    """The same, with what a step that did not end well had begun to change: it may stand."""
    if outcome.status in GOOD or outcome.actions:
        return outcome
    undo = f"irkit run undo {run.folder.name}" if spec.undo or step(spec.does).reversible else ""
    return replace(outcome, actions=begun(run.journal.ledger.attempts[spec.id].intended, undo))


def _outcome(run: UnderWay, spec: StepSpec, whole: Lease, *, doubtful: bool) -> Outcome:
    acting, params = step(spec.does), run.params[spec.id]
    if run.dry_run and (acting.effect is Effect.COLLECT or spec.approve):
        return Outcome(Status.DONE, f"dry run: would {acting.about}")
    lease = Lease(run.seconds(spec), whole)

    def act() -> Outcome:
        given = context(run, spec, lease, dry_run=run.dry_run)
        found = acting.observe(params, given) if doubtful else None
        if doubtful and not spec.approve:
            run.journal.append("step.observed", step=spec.id, found=found is not None)
        return found or _act(run, spec, given)

    return held(act, lease)


def _act(run: UnderWay, spec: StepSpec, given: Context) -> Outcome:
    """The deed itself; where nobody watches, only as far as the rails let it."""
    acting, params = step(spec.does), run.params[spec.id]
    if run.rails is None or run.dry_run or not acting.effect.changes_cluster:
        return acting.run(params, given)
    note = partial(run.journal.append, "rails.decided", step=spec.id)
    return run.rails.perform(spec.id, acting, params, given, lambda told: note(decision=told))
