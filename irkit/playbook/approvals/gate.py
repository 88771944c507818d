"""Where a run meets people: the question is journalled, the process let go, the answer found at the next drive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from irkit.model.codec import compact
from irkit.model.run import Outcome, Status
from irkit.playbook.approvals.standing import Answer, Question, Standing
from irkit.playbook.journal.log import Journal
from irkit.playbook.language import bind
from irkit.playbook.registry import step
from irkit.playbook.schema import Approve, StepSpec
from irkit.times import parse_span


def plan_sha256(journal: Journal, ahead: Iterable[StepSpec], rails_sha256: str) -> str:
    """The hash of all that people say yes to. Whatever of it changes voids their word.

    That is: the playbook's text, its inputs, the pod by uid, the cluster, store and seal, the rails, and which steps
    are still to come.
    """
    ledger = journal.ledger
    plan = {
        "playbook": ledger.head["playbook"]["sha256"],
        "inputs": ledger.head["inputs"],
        "dry_run": ledger.head["dry_run"],
        "settings": {part: _lasting(ledger.settings[part]) for part in ("cluster", "store", "sealing")},
        "target": ledger.details.get("target"),
        "cluster": ledger.details.get("cluster", {}).get("server"),
        "rails": rails_sha256,
        "ahead": told(ahead),
    }
    return hashlib.sha256(compact(plan)).hexdigest()


def _lasting(settings: dict[str, Any]) -> dict[str, Any]:
    """What says where things go; how patient we are on the way is no part of it."""
    return {key: value for key, value in settings.items() if key != "timeout"}


def told(ahead: Iterable[StepSpec]) -> tuple[str, ...]:
    """The steps to come, as people read them."""
    return tuple(f"{spec.id}: {spec.does} ({step(spec.does).effect})" for spec in ahead)


def passed(
    spec: StepSpec, asking: Approve, journal: Journal, ahead: tuple[StepSpec, ...], rails_sha256: str, now: datetime
) -> Outcome:
    """How the approval ends; WAITING while people have not answered, and then the process may go.

    Asks anew where nobody was asked yet, the plan is no longer the one they were asked about, or what they said was
    not made use of in time; asks others where the playbook escalates and nobody answered.
    """
    standing = journal.ledger.approvals.get(spec.id)
    plan = plan_sha256(journal, ahead, rails_sha256)
    if standing is None or standing.question.plan_sha256 != plan or standing.answer(now) is Answer.STALE:
        standing = _ask(_question(spec, asking, journal, plan, ahead, now), journal)
    elif standing.answer(now) is Answer.EXPIRED and standing.question.on_timeout == "escalate":
        wider = _question(spec, asking.escalated, journal, plan, ahead, now)
        standing = _ask(replace(wider, escalated=True), journal)
    return _outcome(standing, now)


def _ask(question: Question, journal: Journal) -> Standing:
    journal.append("approval.asked", step=question.step, question=question)
    return journal.ledger.approvals[question.step]


def _question(
    spec: StepSpec, asking: Approve, journal: Journal, plan: str, ahead: tuple[StepSpec, ...], now: datetime
) -> Question:
    head = journal.ledger.head
    return Question(
        run=head["run"],
        step=spec.id,
        prompt=bind.composed(asking.prompt, head["inputs"]),
        roles=asking.roles,
        quorum=asking.quorum,
        not_initiator="initiator" in asking.exclude,
        initiator=head["operator"]["os_user"],
        plan_sha256=plan,
        ahead=told(ahead),
        asked=now,
        expires=now + parse_span(asking.timeout),
        on_timeout=asking.on_timeout,
    )


def _outcome(standing: Standing, now: datetime) -> Outcome:
    question = standing.question
    details: dict[str, Any] = {"plan_sha256": question.plan_sha256}
    match standing.answer(now):
        case Answer.APPROVED:
            return Outcome(Status.DONE, f"approved by {', '.join(standing.approvers)}", details)
        case Answer.DENIED:
            vote = next(vote for vote in standing.counted() if not vote.approves)
            why = f": {vote.note}" if vote.note else ""
            return Outcome(Status.REFUSED, f"denied by {vote.person.name}{why}", details)
        case Answer.EXPIRED if question.on_timeout == "continue":
            return Outcome(Status.DONE, "nobody answered in time; the playbook says to go on", details)
        case Answer.EXPIRED:
            hint = f"irkit run resume {question.run} asks again"
            return Outcome(Status.REFUSED, "nobody answered in time", details, hint=hint)
        case Answer.OPEN | Answer.STALE:
            hint = f"irkit run approve {question.run}, then irkit run resume {question.run}"
            return Outcome(Status.WAITING, standing.words(), details, hint=hint)
