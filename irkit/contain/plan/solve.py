"""The best that labels can do for a pod: out of every policy's reach, and out of every other selector's.

Where not everything can be evaded, policies come first, and of their directions a whole one rather than parts of both:
egress before ingress, for it is the way out. Then controllers, Services, disruption budgets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from irkit.contain import marks
from irkit.contain.plan.claims import BUDGET, SERVICE, Claim
from irkit.contain.plan.escape import Escape, Patience, escape
from irkit.contain.policy.selector import Labels, Requirement, Selector
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
    """The labels to give the pod. `evaded` are claims that found it before, `left` those that find it still.

    `fewest`: no fewer changes evade as much; false where the search for them was given up.
    """

    labels: dict[str, str]
    evaded: tuple[Claim, ...] = ()
    left: tuple[Left, ...] = ()
    fewest: bool = True


def solve(labels: Labels, uid: str, claims: Iterable[Claim], keep: Sequence[Requirement] = ()) -> Plan:
    """A plan for the pod `uid` with `labels`: ours is put on, and as few others as possible are changed.

    `keep` are requirements that the labels fulfil and have to go on fulfilling.
    """
    asked = sorted(claims, key=lambda claim: (0 if claim.admits else _ORDER.get(claim.kind, 1), claim.name))
    ours = Requirement(marks.QUARANTINE, "In", frozenset({uid}))
    trial = _Trial({**labels, marks.QUARANTINE: uid}, (ours, *keep))
    best = trial.best(asked)
    left = [claim for claim in asked if claim.selector.matches(best.found)]
    known = set(left)
    evaded = tuple(claim for claim in asked if claim.selector.matches(labels) and claim not in known)
    return Plan(best.found, evaded, tuple(map(trial.left, left)), best.certain)


def unchanged(labels: Labels, uid: str, claims: Iterable[Claim]) -> Plan:
    """The plan that puts our label on and touches no other."""
    every = [Requirement(key, "In", frozenset({value})) for key, value in labels.items() if key != marks.QUARANTINE]
    found = {**labels, marks.QUARANTINE: uid}
    return Plan(found, (), tuple(map(_Trial(found, tuple(every)).left, _matching(claims, found))))


def _matching(claims: Iterable[Claim], labels: Labels) -> list[Claim]:
    return [claim for claim in claims if claim.selector.matches(labels)]


@dataclass(frozen=True, slots=True)
class _Best:
    found: dict[str, str]
    certain: bool


@dataclass(frozen=True, slots=True)
class _Trial:
    labels: dict[str, str]
    keep: tuple[Requirement, ...]
    patience: Patience = field(default_factory=Patience)
    refused: dict[Selector, bool] = field(default_factory=dict)  # by what else is evaded, and whether that is certain

    def best(self, asked: list[Claim]) -> _Best:
        """The largest group of claims that can be evaded together, then what else can be, one by one."""
        chosen, best = self._group(asked)
        known = set(chosen)
        for claim in asked:
            if claim in known or claim.selector in self.refused:
                continue
            if claim.selector.matches(best.found):
                found = self._all([*chosen, claim])
                if found.labels is None:
                    self.refused[claim.selector] = found.certain
                    continue
                best = _Best(found.labels, found.certain)
            chosen.append(claim)
        return best

    def _group(self, asked: list[Claim]) -> tuple[list[Claim], _Best]:
        for group in _groups(asked):
            found = self._all(group)
            if found.labels is not None:
                return group, _Best(found.labels, found.certain)
        return [], _Best(self.labels, certain=True)

    def _all(self, claims: Collection[Claim]) -> Escape:
        return escape(self.labels, (claim.selector for claim in claims), self.keep, self.patience)

    def left(self, claim: Claim) -> Left:
        """Why the claim, which finds the pod still, does so."""
        found = escape(self.labels, [claim.selector], self.keep)
        together = found.labels is None or self.refused.get(claim.selector, True)
        return Left(claim, found.labels is None, found.certain and together)


def _groups(asked: list[Claim]) -> Iterator[list[Claim]]:
    policies = [claim for claim in asked if claim.admits]
    yield list(asked)
    yield policies
    for direction in (Direction.EGRESS, Direction.INGRESS):
        yield [claim for claim in policies if direction in claim.directions]
