"""One approval as the journal tells it: what was asked, what was answered, how it stands. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from irkit.errors import Refused
from irkit.times import rfc3339


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who answers, and how irkit knows who it is."""

    name: str
    roles: tuple[str, ...] = ()
    how: str = "os-user"  # "os-user", "token", "oidc", ...
    os_user: str = ""  # under which this person starts runs; "": under their name


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer to one plan."""

    person: Person
    approves: bool
    plan_sha256: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What people are asked, bound to the plan that they are asked about."""

    run: str
    step: str
    prompt: str
    roles: tuple[str, ...]  # one of them is needed; none: anybody may answer
    quorum: int
    not_initiator: bool
    initiator: str  # the OS user who started the run
    plan_sha256: str
    ahead: tuple[str, ...]  # the steps that wait for it, "isolate: pod.isolate@1 (mutate)"
    asked: datetime
    expires: datetime
    on_timeout: str  # "deny", "continue" or "escalate"
    escalated: bool = False  # whether others were asked before, and did not answer

    def refuses(self, person: Person) -> str:
        """Why `person` may not answer; "" for one who may."""
        if self.not_initiator and self.initiator in (person.name, person.os_user):
            return f"{person.name} started run {self.run}, and may not be the one who answers"
        if self.roles and not set(self.roles) & set(person.roles):
            has = f"has {', '.join(person.roles)}" if person.roles else "has no role"
            return f"it takes {' or '.join(self.roles)}, and {person.name} {has}"
        return ""


class Answer(StrEnum):
    """How an approval stands."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    STALE = "stale"  # given, and not made use of for as long as people had to give it


@dataclass(frozen=True, slots=True)
class Standing:
    """A question and the answers to it so far."""

    question: Question
    votes: tuple[Vote, ...] = ()

    def accept(self, vote: Vote) -> None:
        """Raise Refused unless the vote may be counted."""
        if reason := self.question.refuses(vote.person):
            raise Refused(reason)
        if vote.plan_sha256 != self.question.plan_sha256:
            hint = f"irkit run show {self.question.run} tells what it is about now"
            raise Refused("the plan has changed since it was shown", hint)
        if vote.at >= self.question.expires:
            raise Refused(f"it expired at {rfc3339(self.question.expires)}", f"irkit run resume {self.question.run}")

    def counted(self) -> tuple[Vote, ...]:
        """Those that count: timely, about this very plan, by people who may."""
        question = self.question
        return tuple(
            vote
            for vote in self.votes
            if vote.plan_sha256 == question.plan_sha256
            and question.asked <= vote.at < question.expires
            and not question.refuses(vote.person)
        )

    def answer(self, now: datetime) -> Answer:
        """How it stands at `now`. One denial denies, whatever else was said."""
        counted = self.counted()
        if any(not vote.approves for vote in counted):
            return Answer.DENIED
        decided = self._decided(counted)
        if decided is None:
            return Answer.OPEN if now < self.question.expires else Answer.EXPIRED
        return Answer.APPROVED if now < decided + self.patience else Answer.STALE

    @property
    def patience(self) -> timedelta:
        """How long people have to answer, and an answer is good for."""
        return self.question.expires - self.question.asked

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who approved, in order, none twice."""
        return tuple(dict.fromkeys(vote.person.name for vote in self.counted() if vote.approves))

    def _decided(self, counted: tuple[Vote, ...]) -> datetime | None:
        """When the quorum was there; None while it is not."""
        names: set[str] = set()
        for vote in counted:
            names.add(vote.person.name)
            if len(names) >= self.question.quorum:
                return vote.at
        return None

    def words(self) -> str:
        """What it waits for, in one line."""
        question = self.question
        whom = " or ".join(question.roles) or "anybody"
        have = f"{len(self.approvers)} of {question.quorum} given, " if self.approvers else ""
        have = f"asked since nobody else answered, {have}" if question.escalated else have
        return f"waits for {question.quorum} of {whom}, {have}until {rfc3339(question.expires)}: {question.prompt}"
