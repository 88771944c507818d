"""One run being driven: which step is next, what it may know, how it ended."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from irkit import digest
from irkit.cluster.protocol import Cluster
from irkit.errors import IrkitError, JournalError
from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Change
from irkit.model.run import Effect, Outcome, Status, StepRecord
from irkit.playbook.journal.log import Journal
from irkit.playbook.journal.record import GOOD, Attempt
from irkit.playbook.progress import Progress
from irkit.playbook.registry import step
from irkit.playbook.schema import Playbook, StepSpec
from irkit.playbook.steps.step import Context, failed
from irkit.settings import SealSettings, StoreSettings
from irkit.times import Clock

if TYPE_CHECKING:
    from irkit.playbook.rails.guard import Guard

_Ending = TypeVar("_Ending", Outcome, Outcome | None)


@dataclass(frozen=True, slots=True)
class Drive:
    """A run with its journal open and locked."""

    journal: Journal
    folder: Path
    playbook: Playbook
    params: dict[str, Any]  # step id -> its own Params
    store: StoreSettings
    sealing: SealSettings
    connect: Callable[[], Cluster]
    clock: Clock
    progress: Progress
    rails: Guard | None = None  # None: a person watches

    @property
    def dry_run(self) -> bool:
        """True when nothing may change and no evidence is taken."""
        return bool(self.journal.ledger.head["dry_run"])

    def all(self) -> None:
        """Every step that is not settled yet, then the end of the run."""
        self.progress.run_started(self.folder.name, self.folder)
        stopped = ""
        for spec in self.playbook.steps:
            status = self._perform(spec, stopped)
            if not stopped and status not in GOOD and spec.on_error == "stop":
                stopped = spec.id
        for spec in self.playbook.always:
            self._perform(spec, "")
        self.journal.append("run.ended", status=self.journal.ledger.outcome_status())

    def pending(self) -> bool:
        """False when the run has ended and doing it again would repeat nothing."""
        return self.journal.ledger.finished is None or not all(map(self._settled, self.playbook.every_step))

    def undo(self, *, dry_run: bool) -> tuple[StepRecord, ...]:
        """Take back every step that changed the cluster, last first."""
        ledger, taken_back = self.journal.ledger, []
        for spec in reversed(self.playbook.every_step):
            if self.dry_run or not self._undoable(spec):
                continue
            if ledger.attempts[spec.id].outcome is None and not dry_run:
                self.journal.append("step.ended", step=spec.id, outcome=Outcome(Status.FAILED, "cut off, then undone"))
            context = self._context(spec, dry_run=dry_run, undo=True)
            outcome = guarded(partial(step(spec.uses).undo, self.params[spec.id], context))
            if outcome is None:
                continue
            if dry_run:
                taken_back.append(ledger.attempts[spec.id].undone(outcome, self.clock()))
            else:
                self.journal.append("step.undone", step=spec.id, outcome=outcome)
                taken_back.append(ledger.undone[spec.id])
        return tuple(taken_back)

    def _undoable(self, spec: StepSpec) -> bool:
        ledger = self.journal.ledger
        attempt = ledger.attempts.get(spec.id)
        acted = attempt is not None and (attempt.intended or attempt.outcome is not None and attempt.outcome.actions)
        return bool(acted) and step(spec.uses).effect.changes_cluster and not ledger.is_undone(spec.id)

    def _settled(self, spec: StepSpec) -> bool:
        """True for a step that resuming leaves alone."""
        ledger = self.journal.ledger
        attempt = ledger.attempts.get(spec.id)
        if ledger.is_undone(spec.id):
            return True
        if attempt is None or attempt.outcome is None or self._stale(spec, attempt):
            return False
        match attempt.outcome.status:
            case Status.DONE | Status.GAPS:
                return True
            case Status.SKIPPED:  # by itself, not because another step kept it from running
                return not attempt.blocked
            case Status.UNVERIFIED:  # the change is made; that it does not hold is for a person to mend
                return attempt.effect.changes_cluster
            case _:
                return False

    def _stale(self, spec: StepSpec, attempt: Attempt) -> bool:
        """True when what the step worked on has been done again since: an always-step works on all before it."""
        order = [one.id for one in self.playbook.every_step]
        before = order[: order.index(spec.id)] if spec in self.playbook.always else spec.needs
        attempts = self.journal.ledger.attempts
        return any(attempts[one].ended > attempt.seq for one in before if one in attempts)

    def _perform(self, spec: StepSpec, stopped: str) -> Status:
        attempt = self.journal.ledger.attempts.get(spec.id)
        if attempt and attempt.outcome and self._settled(spec):
            return attempt.outcome.status
        resumed = attempt is not None and attempt.outcome is None
        blocked = "" if resumed else self._blocked(spec, stopped)
        if blocked and attempt and attempt.blocked == blocked:
            return Status.SKIPPED
        if not resumed:
            self.journal.append("step.started", step=spec.id, uses=spec.uses, effect=step(spec.uses).effect)
        self.progress.step_started(self._told(spec))
        outcome = self._skip(blocked) if blocked else self._outcome(spec, resumed=resumed)
        self.journal.append("step.ended", step=spec.id, outcome=outcome)
        self.progress.step_ended(self._told(spec))
        return outcome.status

    def _told(self, spec: StepSpec) -> StepRecord:
        return self.journal.ledger.attempts[spec.id].told()

    def _blocked(self, spec: StepSpec, stopped: str) -> str:
        """The step that keeps this one from running, itself kept by none; "" for no such step."""
        if stopped:
            return stopped
        attempts = self.journal.ledger.attempts
        unmet = [attempts[need] for need in spec.needs if not attempts[need].ended_well]
        return unmet[0].blocked or unmet[0].id if unmet else ""

    def _skip(self, blocked: str) -> Outcome:
        return Outcome(Status.SKIPPED, f"not done, because {blocked} did not end well", {"blocked": blocked})

    def _outcome(self, spec: StepSpec, *, resumed: bool) -> Outcome:
        acting, params = step(spec.uses), self.params[spec.id]
        if self.dry_run and acting.effect is Effect.COLLECT:
            return Outcome(Status.DONE, f"dry run: would {acting.about}")

        context = self._context(spec, dry_run=self.dry_run)

        def act() -> Outcome:
            found = acting.observe(params, context) if resumed else None
            if resumed:
                self.journal.append("step.observed", step=spec.id, found=found is not None)
            return found or self._act(spec, context)

        return guarded(act)

    def _act(self, spec: StepSpec, context: Context) -> Outcome:
        """The deed itself; where nobody watches, only as far as the rails let it."""
        acting, params = step(spec.uses), self.params[spec.id]
        if self.rails is None or self.dry_run or not acting.effect.changes_cluster:
            return acting.run(params, context)
        note = partial(self.journal.append, "rails.decided", step=spec.id)
        return self.rails.perform(spec.id, acting, params, context, lambda told: note(decision=told))

    def _context(self, spec: StepSpec, *, dry_run: bool, undo: bool = False) -> Context:
        ledger = self.journal.ledger
        attempt = ledger.attempts[spec.id]
        record = ledger.record()
        steps = tuple(one for one in record.steps if one.status is not Status.RUNNING)
        head = ledger.head
        return Context(
            run=self.folder.name,
            case=head["case"],
            folder=self.folder,
            store=self.store,
            sealing=self.sealing,
            record=replace(record, steps=steps, status=ledger.outcome_status()),
            started=attempt.started,
            custody=tuple(_bare(one) for one in self.journal.records[: attempt.seq + 1]),
            connect=self.connect,
            clock=self.clock,
            intend=self._intender(spec, dry_run=dry_run, undo=undo),
            keep=self._keeper(spec),
            dry_run=dry_run,
            intended=() if undo else tuple(attempt.intended),
            held=self._held(spec),
            sealed=ledger.bundle(self.folder),
        )

    def _intender(self, spec: StepSpec, *, dry_run: bool, undo: bool) -> Callable[[Change], None]:
        def intend(change: Change) -> None:
            if not dry_run:
                self.journal.append("undo.intended" if undo else "change.intended", step=spec.id, change=change)
            self.progress.item(spec.id, change)

        return intend

    def _keeper(self, spec: StepSpec) -> Callable[[Artifact | Gap], None]:
        def keep(item: Artifact | Gap) -> None:
            kind = "artifact" if isinstance(item, Artifact) else "gap"
            self.journal.append(kind, **{"step": spec.id, kind: item})
            self.progress.item(spec.id, item)

        return keep

    def _held(self, spec: StepSpec) -> dict[str, Artifact]:
        """The step's own evidence that is still on disk as it was journalled; the rest is journalled as discarded."""
        held = {}
        for path, artifact in self.journal.ledger.taken_by(spec.id).items():
            file = self.folder / "data" / path
            if not file.is_file():
                self.journal.append("artifact.discarded", step=spec.id, path=path, why="missing")
            elif digest.of_file(file).sha256 != artifact.sha256:
                self.journal.append("artifact.discarded", step=spec.id, path=path, why="changed")
            else:
                held[path] = artifact
        return held


def guarded(act: Callable[[], _Ending]) -> _Ending | Outcome:
    """What `act` says, or how it failed: one failing step never costs the evidence of the others."""
    try:
        return act()
    except JournalError:
        raise
    except IrkitError as error:
        return failed(error)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        hint = "free some disk space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        return Outcome(Status.FAILED, f"{error.strerror or error}{where}", hint=hint)
    except Exception as error:  # a defect of ours: told in the record with its traceback, never lost
        details = {"traceback": traceback.format_exc()}
        hint = "this is a defect in irkit; please report it"
        return Outcome(Status.FAILED, f"{type(error).__name__}: {error}", details, hint=hint)


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("seq", "prev_sha256")}
