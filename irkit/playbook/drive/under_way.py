"""A run with its journal open and locked, and what the journal says about each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.cluster.protocol import Cluster
from irkit.model.run import Status, StepRecord
from irkit.playbook.journal.log import Journal
from irkit.playbook.journal.record import Attempt
from irkit.playbook.progress import Progress
from irkit.playbook.schema import Playbook, StepSpec
from irkit.settings import SealSettings, StoreSettings
from irkit.times import Clock

if TYPE_CHECKING:
    from irkit.playbook.rails.guard import Guard


@dataclass(frozen=True, slots=True)
class UnderWay:
    """All that driving a run takes."""

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
            case Status.REFUSED:  # by whoever cancelled the run, which stays so
                return "cancelled" in attempt.outcome.details
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

    def told(self, spec: StepSpec) -> StepRecord:
        """The step as the report shows it."""
        return self.journal.ledger.attempts[spec.id].told()
