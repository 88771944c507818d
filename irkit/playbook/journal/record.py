"""The journal read back: what happened to each step, and the RunRecord. Pure: records in, nouns out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from irkit.model.audit import AuditSummary
from irkit.model.bundle import Bundle, Receipt
from irkit.model.codec import build
from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Change, Isolation
from irkit.model.pod import Scope, Target
from irkit.model.run import ClusterIdentity, Effect, Operator, Outcome, RunRecord, Status, StepRecord, gravest
from irkit.playbook.approvals.standing import Question, Standing, Vote
from irkit.playbook.schema import APPROVE
from irkit.times import parse

Record = Mapping[str, Any]
GOOD = (Status.DONE, Status.GAPS)


@dataclass
class Attempt:
    """The latest attempt at one step."""

    id: str
    uses: str
    effect: Effect
    seq: int  # of the record that began it
    started: datetime
    outcome: Outcome | None = None  # None: not ended
    ended: int = -1  # seq of the record that ended it; -1: not ended
    finished: datetime | None = None  # None: not ended
    intended: list[Change] = field(default_factory=list)
    waiting: str = ""  # for what; "" for nothing
    number: int = 1  # which attempt in a row it is

    @property
    def ended_well(self) -> bool:
        """True when what needs this step may go on; an approval that was not needed is as good as given."""
        if self.outcome is None:
            return False
        spared = self.uses == APPROVE and self.outcome.status is Status.SKIPPED and not self.blocked
        return self.outcome.status in GOOD or spared

    @property
    def blocked(self) -> str:
        """The step that kept this one from running; "" for none."""
        return self.outcome.details.get("blocked", "") if self.outcome else ""

    def undone(self, outcome: Outcome, at: datetime) -> StepRecord:
        """How taking it back ended, as the report shows it."""
        return Attempt(f"undo-{self.id}", self.uses, self.effect, 0, at, outcome, 0, at).told()

    def told(self) -> StepRecord:
        """As the report shows it."""
        cut = Outcome(Status.WAITING, self.waiting) if self.waiting else Outcome(Status.RUNNING, "started, not ended")
        outcome = self.outcome or cut
        return StepRecord(
            self.id,
            self.uses,
            self.effect,
            outcome.status,
            outcome.summary,
            self.started,
            self.finished,
            outcome.actions,
            outcome.hint,
            self.blocked,
        )


class Ledger:
    """What the records of a journal add up to."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.head: Record = {}  # run.started; empty before it
        self.settings: Record = {}  # those of the last start or resumption
        self.attempts: dict[str, Attempt] = {}
        self.details: dict[str, Any] = {}  # what steps told, the latest word on each: "target", "bundle", ...
        self.undone: dict[str, StepRecord] = {}
        self.taken: dict[str, tuple[str, Artifact]] = {}  # path -> step, artifact
        self.gaps: list[tuple[str, Gap]] = []  # step, gap
        self.approvals: dict[str, Standing] = {}  # by step: the question asked last, and the answers to it
        self.cancelled: Record = {}  # run.cancelled; empty: it was not
        self.over = -1  # seq of the record that ended the run last
        self.status = Status.RUNNING
        self.finished: datetime | None = None
        for record in records:
            self.take(record)

    def take(self, record: Record) -> None:
        """Add one record; kinds that change nothing here pass."""
        handler = getattr(self, "_on_" + record["kind"].replace(".", "_"), None)
        if handler is not None:
            handler(record)

    def _on_run_started(self, record: Record) -> None:
        self.head = record
        self.settings = record["settings"]

    def _on_run_resumed(self, record: Record) -> None:
        ended = self.finished is not None
        self.status, self.finished, self.settings = Status.RUNNING, None, record["settings"]
        for attempt in self.attempts.values():
            attempt.waiting = ""
            if ended:
                attempt.number = 0
        open_steps = {attempt.id for attempt in self.attempts.values() if attempt.outcome is None}
        self.gaps = [(step, gap) for step, gap in self.gaps if step not in open_steps]

    def _on_run_waiting(self, record: Record) -> None:
        attempt = self.attempts[record["step"]]
        attempt.waiting = self.approvals[attempt.id].words()
        self.status = Status.WAITING

    def _on_run_cancelled(self, record: Record) -> None:
        self.cancelled = record

    def _on_approval_asked(self, record: Record) -> None:
        self.approvals[record["step"]] = Standing(build(Question, record["question"]))

    def _on_approval_given(self, record: Record) -> None:
        step, vote = record["step"], build(Vote, record["vote"])
        standing = self.approvals[step]
        self.approvals[step] = replace(standing, votes=(*standing.votes, vote))
        self.attempts[step].waiting = self.approvals[step].words()

    def _on_step_started(self, record: Record) -> None:
        step, before = record["step"], self.attempts.get(record["step"])
        self.approvals.pop(step, None)
        attempt = Attempt(step, record["uses"], Effect(record["effect"]), record["seq"], parse(record["at"]))
        attempt.number = record.get("attempt", 1)
        if before and not before.ended_well:  # what it began to change is still there to be undone
            attempt.intended = before.intended
        self.attempts[step] = attempt
        self.gaps = [(owner, gap) for owner, gap in self.gaps if owner != step]

    def _on_step_ended(self, record: Record) -> None:
        attempt = self.attempts[record["step"]]
        attempt.outcome = build(Outcome, record["outcome"])
        attempt.ended, attempt.finished = record["seq"], parse(record["at"])
        self.details |= attempt.outcome.details

    def _on_step_undone(self, record: Record) -> None:
        outcome = build(Outcome, record["outcome"])
        self.undone[record["step"]] = self.attempts[record["step"]].undone(outcome, parse(record["at"]))

    def _on_change_intended(self, record: Record) -> None:
        self.attempts[record["step"]].intended.append(build(Change, record["change"]))

    def _on_artifact(self, record: Record) -> None:
        artifact = build(Artifact, record["artifact"])
        self.taken[artifact.path] = (record["step"], artifact)

    def _on_artifact_discarded(self, record: Record) -> None:
        self.taken.pop(record["path"], None)

    def _on_gap(self, record: Record) -> None:
        self.gaps.append((record["step"], build(Gap, record["gap"])))

    def _on_run_ended(self, record: Record) -> None:
        self.status, self.finished, self.over = Status(record["status"]), parse(record["at"]), record["seq"]

    @property
    def left(self) -> list[str]:
        """The steps that going on would take again: failed, refused, kept from running; none once it is cancelled."""
        again = (Status.FAILED, Status.REFUSED)
        ended = [one for one in self.attempts.values() if one.outcome and not self.cancelled]
        return [one.id for one in ended if one.outcome and (one.outcome.status in again or one.blocked)]

    @property
    def changes(self) -> list[Change]:
        """Every change that was begun."""
        return [change for attempt in self.attempts.values() for change in attempt.intended]

    @property
    def waits_for(self) -> Standing | None:
        """What people are asked now; None while nothing waits for them."""
        waiting = (
            self.status is Status.WAITING
            and not self.cancelled
            and [one.id for one in self.attempts.values() if one.waiting]
        )
        return self.approvals[waiting[-1]] if waiting else None

    def is_undone(self, step: str) -> bool:
        """True when the step was taken back."""
        return step in self.undone and self.undone[step].status in GOOD

    def taken_by(self, step: str) -> dict[str, Artifact]:
        """The evidence that a step took, by path."""
        return {path: artifact for path, (owner, artifact) in self.taken.items() if owner == step}

    def noun(self, kind: type[Any], key: str) -> Any:  # noqa: ANN401 - a `kind`, or None
        """What the last step that told `key` said about it."""
        return build(kind, self.details[key]) if key in self.details else None

    def bundle(self, folder: Path) -> Bundle | None:
        """The run's sealed bundle in its `folder`; None until it is sealed."""
        told = self.details.get("bundle")
        if told is None:
            return None
        return Bundle(folder / Path(told["path"]).name, told["sha256"], told["size"], told["files"])

    @property
    def receipt(self) -> Receipt | None:
        """The destination's receipt for the bundle sealed last; None until it is shipped."""
        receipt: Receipt | None = self.noun(Receipt, "receipt")
        return receipt if receipt and receipt.sha256 == self.details["bundle"]["sha256"] else None

    def outcome_status(self) -> Status:
        """The gravest status of the steps so far; a step left out takes nothing from a run that is done."""
        status = gravest([attempt.outcome.status for attempt in self.attempts.values() if attempt.outcome])
        return Status.DONE if status is Status.SKIPPED else status

    def record(self) -> RunRecord:
        """The run as the journal tells it, without a timeline."""
        head = self.head
        operator = build(Operator, head["operator"])
        return RunRecord(
            id=head["run"],
            case=head["case"],
            playbook=head["playbook"]["name"],
            playbook_sha256=head["playbook"]["sha256"],
            tool_version=head["tool_version"],
            tool_sha256=head.get("tool_sha256", ""),
            authority=head.get("authority", ""),
            operator=replace(operator, kubernetes_user=self.details.get("kubernetes_user") or operator.kubernetes_user),
            started=parse(head["at"]),
            status=self.status,
            finished=self.finished,
            dry_run=head["dry_run"],
            cluster=self.noun(ClusterIdentity, "cluster"),
            target=self.noun(Target, "target"),
            scope=self.noun(Scope, "scope"),
            steps=(*(attempt.told() for attempt in self.attempts.values()), *self.undone.values()),
            isolation=self.noun(Isolation, "isolation"),
            artifacts=tuple(artifact for _, artifact in self.taken.values()),
            gaps=tuple(gap for _, gap in self.gaps),
            audit=self.noun(AuditSummary, "audit"),
            bundle=self.details.get("bundle", {}).get("path", ""),
        )


def fold(records: Iterable[Record]) -> RunRecord:
    """The run that the records of a whole journal tell."""
    return Ledger(records).record()


def told(record: RunRecord, data: Path) -> RunRecord:
    """`record` with its timeline, drawn from the evidence staged in `data`."""
    from irkit.report.timeline import moments

    skew = record.cluster.skew if record.cluster else None
    return replace(record, timeline=moments(data, record.target, record.steps, skew))
