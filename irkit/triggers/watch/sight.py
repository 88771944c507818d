"""What a page shows of one run: the record, who is asked, what the rails said. Pure: a journal in, nouns out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from irkit.model.run import RunRecord, Status
from irkit.playbook.approvals.standing import Standing
from irkit.playbook.journal.record import Ledger
from irkit.playbook.rails.facts import Ruling
from irkit.times import parse


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule of the rails that spoke against a step."""

    rule: str
    why: str
    until: datetime | None  # None: time alone does not heal it


@dataclass(frozen=True, slots=True)
class Told:
    """What the rails last said about a step."""

    step: str
    ruling: str
    at: datetime
    reasons: tuple[Reason, ...]

    @property
    def holds(self) -> bool:
        """Whether the step was kept from being done."""
        return self.ruling in (Ruling.WAIT, Ruling.REFUSE)


@dataclass(frozen=True, slots=True)
class Sight:
    """One run as it stands now."""

    record: RunRecord
    asked: Standing | None  # None: it waits for nobody
    rails: tuple[Told, ...]
    reported: bool  # whether there is a report to be read

    @property
    def target(self) -> str:
        """`namespace/pod`, or "" while that is not known."""
        found = self.record.target
        return f"{found.namespace}/{found.name}" if found else ""

    @property
    def held(self) -> tuple[Told, ...]:
        """What the rails keep from being done, of steps that were not done since."""
        refused = {step.id for step in self.record.steps if step.status is Status.REFUSED}
        return tuple(told for told in self.rails if told.holds and told.step in refused)


def sight(records: Sequence[Mapping[str, Any]], *, reported: bool) -> Sight:
    """A run from the records of its journal, which has begun."""
    ledger = Ledger(records)
    told = {record["step"]: _told(record) for record in records if record["kind"] == "rails.decided"}
    return Sight(ledger.record(), ledger.waits_for, tuple(told.values()), reported)


def _told(record: Mapping[str, Any]) -> Told:
    decision = record["decision"]
    reasons = tuple(
        Reason(one["rule"], one["why"], parse(one["until"]) if one.get("until") else None)
        for one in decision["reasons"]
    )
    return Told(record["step"], decision["ruling"], parse(record["at"]), reasons)
