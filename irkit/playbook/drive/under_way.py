"""A run with its journal open and locked, and what the journal says about each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.cluster.protocol import Cluster
from irkit.model.run import Status, StepRecord
from irkit.playbook.journal.log import Journal
from irkit.playbook.journal.record import Attempt
from irkit.playbook.language import names
from irkit.playbook.progress import Progress
from irkit.playbook.registry import step
from irkit.playbook.schema import Playbook, StepSpec
from irkit.settings import SealSettings, StoreSettings
from irkit.times import Clock, parse_span

if TYPE_CHECKING:
    from irkit.playbook.rails.guard import Guard


@dataclass(frozen=True, slots=True)
class UnderWay:
    """All that driving a run takes."""

    journal: Journal
    folder: Path
    playbook: Playbook
    params: dict[str, Any]  # step id -> its own Params
    undoing: dict[str, Any]  # step id -> the Params of what undoes it, where the playbook says
    store: StoreSettings
    sealing: SealSettings
    connect: Callable[[], Cluster]
    clock: Clock
    progress: Progress
    began: datetime  # this drive of it: at the start of the run, or when it was gone on with last
    rest: Callable[[float], object]  # wait so many seconds
    rails: Guard | None = None  # None: a person watches

    @property
    def dry_run(self) -> bool:
        """True when nothing may change and no evidence is taken."""
        return bool(self.journal.ledger.head["dry_run"])

    def pending(self) -> bool:
        """False when the run has ended and doing it again would repeat nothing."""
        ledger = self.journal.ledger
        left = self.playbook.always if ledger.cancelled else self.playbook.every_step
        return ledger.finished is None or not all(map(self.settled, left))

    def settled(self, spec: StepSpec) -> bool:
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
            case Status.REFUSED:  # by who cancelled the run, for good; by who was asked, until it has ended
                return "cancelled" in attempt.outcome.details or bool(spec.approve) and attempt.ended > ledger.over
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

    def unmet(self, spec: StepSpec) -> str:
        """The step that keeps this one from running, itself kept by none; "" for no such step."""
        attempts = self.journal.ledger.attempts
        unmet = [attempts[need] for need in spec.needs if not attempts[need].ended_well]
        return unmet[0].blocked or unmet[0].id if unmet else ""

    def ahead(self, spec: StepSpec) -> tuple[StepSpec, ...]:
        """The steps after `spec`."""
        steps = self.playbook.every_step
        return steps[steps.index(spec) + 1 :]

    def values(self, spec: StepSpec) -> dict[str, Any]:
        """What the names in the condition of `spec` stand for."""
        with self.journal.lock:
            ledger = self.journal.ledger
            statuses = {one: attempt.told().status for one, attempt in ledger.attempts.items()}
            coming = [step(one.does).effect for one in self.ahead(spec) if not one.approve]
            return names.values(ledger.head, ledger.details.get("target", {}), statuses, coming)

    def over_time(self) -> bool:
        """True once the run has taken as long as it may."""
        limit = self.playbook.limits.max_duration
        return limit is not None and self.clock() >= self.began + parse_span(limit)

    def seconds(self, spec: StepSpec) -> float | None:
        """How long `spec` may take from now; None for as long as it does."""
        patience, limit = self.playbook.patience(spec), self.playbook.limits.max_duration
        ends = [parse_span(patience).total_seconds()] if patience else []
        if limit and not spec.approve and spec not in self.playbook.always:
            ends.append((self.began + parse_span(limit) - self.clock()).total_seconds())
        return min(ends, default=None)

    def told(self, spec: StepSpec) -> StepRecord:
        """The step as the report shows it."""
        return self.journal.ledger.attempts[spec.id].told()
