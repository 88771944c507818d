"""What people may do from the page, and who may: the same functions that the commands call."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from irkit.errors import Refused, UsageError
from irkit.playbook.approvals import desk as approvals
from irkit.playbook.approvals.standing import Person
from irkit.playbook.rails.memory import Memory
from irkit.text import safe
from irkit.times import Clock
from irkit.triggers.queue.protocol import Desk

OPERATOR = "operator"  # the role that may freeze, thaw, cancel, and wake dead letters
LONGEST = 500  # characters of a reason
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deeds:
    """All raise Refused for a person who may not."""

    home: Path
    desk: Desk
    clock: Clock

    def freeze(self, person: Person, why: str) -> None:
        """Hold everything; raises UsageError without a reason, RailsError."""
        operates(person)
        if not why.strip():
            raise UsageError("a freeze needs a reason", "those who find everything frozen will want to know")
        Memory(self.home).freeze(person.name, _said(why), self.clock())
        _LOG.warning("watch: %s froze everything", person.name)

    def thaw(self, person: Person) -> None:
        """Let go on; raises RailsError."""
        operates(person)
        Memory(self.home).thaw(person.name, self.clock())
        _LOG.warning("watch: %s let everything go on", person.name)

    def answer(self, person: Person, run: str, answer: str, note: str, plan: str) -> None:
        """Approve or deny the plan that was shown; raises what `approvals.desk` raises."""
        say = {"approve": approvals.approve, "deny": approvals.deny}.get(answer)
        if say is None or not plan:
            raise UsageError("neither approved nor denied", "open the page anew")
        say(self.home, run, person, self.clock(), note=_said(note), plan_sha256=plan)
        _LOG.warning("watch: %s answered run %s: %s", person.name, run, answer)

    def cancel(self, person: Person, run: str) -> None:
        """Let a run take no further step; raises what `approvals.desk.cancel` raises."""
        operates(person)
        approvals.cancel(self.home, run, person, self.clock())
        _LOG.warning("watch: %s cancelled run %s", person.name, run)

    def retry(self, person: Person, job: int) -> None:
        """A dead letter waits again; raises QueueError, UsageError for an unknown job."""
        operates(person)
        self.desk.retry(job)
        _LOG.warning("watch: %s gave job %s another try", person.name, job)


def operates(person: Person) -> None:
    """Raises Refused for one who is not an operator."""
    if OPERATOR not in person.roles:
        raise Refused(f"that takes the role {OPERATOR}, which {person.name} does not have", "ask one who has it")


def _said(text: str) -> str:
    return safe(text.strip())[:LONGEST]
