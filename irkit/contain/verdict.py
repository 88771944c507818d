"""Whether a pod with these labels is cut off, computed from every policy of its namespace, ours included.

Policies are additive: a direction is closed when some policy selects the pod for it and none that does has a rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from irkit.cluster.objects import addresses, part
from irkit.cluster.protocol import Json
from irkit.contain.policy import read, words
from irkit.contain.policy.nouns import Peer, Policy, Rule
from irkit.model.isolation import Direction, Family, Residual, Verdict

Judgement = dict[Direction, dict[Family, Verdict]]


def residuals(labels: Mapping[str, str], manifests: Iterable[Json], ours: str) -> tuple[Residual, ...]:
    """What still admits traffic to or from a pod with `labels`; `ours` is the name of the quarantining policy.

    A policy that cannot be understood is taken to admit everything.
    """
    known: list[Policy] = []
    left: list[Residual] = []
    for manifest in manifests:
        try:
            known.append(read.policy(manifest))
        except ValueError as error:
            name = str(part(manifest, "metadata").get("name"))
            left += [Residual(name, direction, f"it cannot be understood: {error}") for direction in Direction]
    selecting = [policy for policy in known if policy.pods.matches(labels)]
    return (*left, *(residual for direction in Direction for residual in _open(direction, selecting, ours)))


def _open(direction: Direction, selecting: list[Policy], ours: str) -> Iterator[Residual]:
    concerned = [policy for policy in selecting if direction in policy.rules]
    if not concerned:
        yield Residual(ours, direction, "it does not select the pod: the policy or the pod's label is gone")
    for policy in concerned:
        if policy.rules[direction]:
            chosen = f"selects {policy.pods}" if policy.pods.requirements else "selects every pod"
            why = f"it {chosen} and admits {words.admits(policy, direction)}"
            yield Residual(policy.name, direction, why, _families(policy.rules[direction]))


def _families(rules: Iterable[Rule]) -> tuple[Family, ...]:
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
