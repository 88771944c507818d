"""The best that labels can do for a pod: out of every policy's reach, and out of every other selector's.

Where not everything can be evaded, policies come first, and of their directions a whole one rather than parts of both:
egress before ingress, for it is the way out. Then controllers, Services, disruption budgets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from irkit.contain import marks
from irkit.contain.plan.claims import BUDGET, SERVICE, Claim
from irkit.contain.plan.escape import Escape, escape
from irkit.contain.policy.selector import Labels, Requirement
from irkit.model.isolation import Direction

_ORDER = {SERVICE: 2, BUDGET: 3}  # policies before, controllers between


@dataclass(frozen=True, slots=True)
class Left:
    """A claim that finds the pod under the plan's labels too.

    `alone`: no label evades even this one by itself, otherwise it cannot be evaded together with the others. Both are
    `certain` unless the search was given up.
    """

    claim: Claim
    alone: bool
    certain: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The labels to give the pod. `evaded` are claims that found it before, `left` those that find it still."""

    labels: dict[str, str]
    evaded: tuple[Claim, ...] = ()
    left: tuple[Left, ...] = ()


def solve(labels: Labels, uid: str, claims: Iterable[Claim], keep: Sequence[Requirement] = ()) -> Plan:
    """A plan for the pod `uid` with `labels`: ours is put on, and as few others as possible are changed.

    `keep` are requirements that the labels fulfil and have to go on fulfilling.
    """
    asked = sorted(claims, key=lambda claim: (0 if claim.admits else _ORDER.get(claim.kind, 1), claim.name))
    ours = Requirement(marks.QUARANTINE, "In", frozenset({uid}))
    trial = _Trial({**labels, marks.QUARANTINE: uid}, (ours, *keep))
    best = _best(trial, asked)
    left = [claim for claim in asked if claim.selector.matches(best)]
    known = set(left)
    evaded = tuple(claim for claim in asked if claim.selector.matches(labels) and claim not in known)
    return Plan(best, evaded, tuple(map(trial.left, left)))


def unchanged(labels: Labels, uid: str, claims: Iterable[Claim]) -> Plan:
    """The plan that puts our label on and touches no other."""
    every = [Requirement(key, "In", frozenset({value})) for key, value in labels.items() if key != marks.QUARANTINE]
    found = {**labels, marks.QUARANTINE: uid}
    return Plan(found, (), tuple(map(_Trial(found, tuple(every)).left, _matching(claims, found))))


def _matching(claims: Iterable[Claim], labels: Labels) -> list[Claim]:
    return [claim for claim in claims if claim.selector.matches(labels)]


@dataclass(frozen=True, slots=True)
class _Trial:
    labels: dict[str, str]
    keep: tuple[Requirement, ...]

    def all(self, claims: Collection[Claim]) -> Escape:
        return escape(self.labels, [claim.selector for claim in claims], self.keep)

    def left(self, claim: Claim) -> Left:
        found = self.all([claim])
        return Left(claim, found.labels is None, found.certain)


def _best(trial: _Trial, asked: list[Claim]) -> dict[str, str]:
    """The largest group of claims that can be evaded together, then what else can be, one by one."""
    chosen, best = list[Claim](), trial.labels
    for group in _groups(asked):
        found = trial.all(group)
        if found.labels is not None:
            chosen, best = group, found.labels
            break
    known = set(chosen)
    for claim in asked:
        if claim not in known:
            found = trial.all([*chosen, claim]) if claim.selector.matches(best) else Escape(best)
            if found.labels is not None:
                best = found.labels
                chosen.append(claim)
    return best


def _groups(asked: list[Claim]) -> Iterator[list[Claim]]:
    policies = [claim for claim in asked if claim.admits]
    yield list(asked)
    yield policies
    for direction in (Direction.EGRESS, Direction.INGRESS):
        yield [claim for claim in policies if direction in claim.directions]
