"""Whether a pod with these labels is cut off, computed from every policy that concerns its namespace, ours included.

NetworkPolicies are additive: a direction is closed when some policy selects the pod for it and none that does has a
rule. The admin tier goes before them: what it allows gets past any of them, what it denies they cannot allow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from irkit.cluster.objects import addresses, part
from irkit.cluster.protocol import Json
from irkit.contain.policy import read, words
from irkit.contain.policy.cover import Cover, admin
from irkit.contain.policy.nouns import Peer, Policy, Rule, TierPolicy, TierRule
from irkit.contain.policy.selector import Labels
from irkit.contain.policy.tiers import tiered
from irkit.model.isolation import Direction, Family, Residual, Verdict

Judgement = dict[Direction, dict[Family, Verdict]]
Known = TypeVar("Known", Policy, TierPolicy)


@dataclass(frozen=True, slots=True)
class Tiers:
    """Manifests of the policies around NetworkPolicy, with their kind, and the labels of the pod's namespace."""

    policies: tuple[Json, ...] = ()
    space: Mapping[str, str] = field(default_factory=dict)


def residuals(labels: Labels, manifests: Iterable[Json], ours: str, tiers: Tiers | None = None) -> tuple[Residual, ...]:
    """What still admits traffic to or from a pod with `labels`; `ours` is the name of the quarantining policy.

    A policy that cannot be understood is taken to admit everything.
    """
    left: list[Residual] = []
    known = _understood(manifests, read.policy, left)
    tiers = tiers or Tiers()
    around = _understood(tiers.policies, tiered, left)
    selecting = [policy for policy in known if policy.pods.matches(labels)]
    for direction in Direction:
        found = admin(around, tiers.space, labels, direction)
        for policy, rule in found.opens:
            why = f"its tier is asked before any NetworkPolicy and admits {words.allowed(rule, direction)}"
            left.append(Residual(f"{policy.kind} {policy.name}", direction, why, _families([rule])))
        left += _open(direction, selecting, ours, found.closed)
    return tuple(left)


def _understood(manifests: Iterable[Json], reading: Callable[[Json], Known], left: list[Residual]) -> list[Known]:
    known: list[Known] = []
    for manifest in manifests:
        try:
            known.append(reading(manifest))
        except ValueError as error:
            name = str(part(manifest, "metadata").get("name"))
            left += [Residual(name, direction, f"it cannot be understood: {error}") for direction in Direction]
    return known


def _open(direction: Direction, selecting: list[Policy], ours: str, closed: Cover) -> Iterator[Residual]:
    """`closed` are those whom the admin tier keeps out, whatever these policies say."""
    concerned = [policy for policy in selecting if direction in policy.rules]
    if not concerned and not closed.whole:
        yield Residual(ours, direction, "it does not select the pod: the policy or the pod's label is gone")
    for policy in concerned:
        if admitting := [rule for rule in policy.rules[direction] if _admits(rule, closed)]:
            chosen = f"selects {policy.pods}" if policy.pods.requirements else "selects every pod"
            but = "; a policy of the admin tier denies it to pods" if closed.pods else ""
            why = f"it {chosen} and admits {words.admits(policy, direction)}{but}"
            yield Residual(policy.name, direction, why, _families(admitting))


def _admits(rule: Rule, closed: Cover) -> bool:
    return not closed.whole and (not rule.peers or not all(map(closed.hides, rule.peers)))


def _families(rules: Iterable[Rule | TierRule]) -> tuple[Family, ...]:
    """Those in which the rules admit anybody: all, unless every peer is a block of addresses."""
    peers = [peer for rule in rules for peer in rule.peers or (Peer(),)]
    named = {Family(f"IPv{peer.block.network.version}") if peer.block else None for peer in peers}
    return tuple(family for family in Family if family in named or None in named)


def families(pod: Json) -> tuple[Family, ...]:
    """Those that the pod has addresses of; all where none is known yet."""
    versions = {address.version for address in addresses(pod)}
    return tuple(family for family in Family if not versions or int(family[-1]) in versions)


def judged(left: Iterable[Residual], known: Collection[Family] = tuple(Family)) -> Judgement:
    """Open where something is left, else not known to be enforced."""
    opened = {(residual.direction, family) for residual in left for family in residual.families}
    return {
        direction: {
            family: Verdict.INEFFECTIVE if (direction, family) in opened else Verdict.UNVERIFIED for family in known
        }
        for direction in Direction
    }


def weakest(judgement: Judgement) -> dict[Direction, Verdict]:
    """Per direction that of the family which is worst off."""
    order = list(Verdict)
    return {direction: max(by.values(), key=order.index) for direction, by in judgement.items()}
