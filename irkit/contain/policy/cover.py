"""What the admin tier opens whatever NetworkPolicies say, and what it closes whatever they say.

Judged by whole classes of peers, for a verdict has to hold for clients that do not run yet: a deny counts only where it
is on every port and for all pods, or for every address of an IP version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from irkit.contain.policy.nouns import Action, Peer, TierPolicy, TierRule
from irkit.contain.policy.selector import Labels
from irkit.model.isolation import Direction


@dataclass(frozen=True, slots=True)
class Cover:
    """Whom the tier denies everything: all pods, and every address of some IP versions."""

    pods: bool = False
    versions: frozenset[int] = frozenset()

    @property
    def whole(self) -> bool:
        """True where nobody is left."""
        return self.versions == {4, 6}

    def hides(self, peer: Peer) -> bool:
        """True where a later rule for `peer` changes nothing."""
        if peer.block is not None:
            return peer.block.network.version in self.versions
        return self.whole or (peer.is_pods and self.pods)

    def __or__(self, other: Cover) -> Cover:
        return Cover(self.pods or other.pods, self.versions | other.versions)


@dataclass(frozen=True, slots=True)
class Tier:
    """`opens` are rules that admit; `closed` are those whom no NetworkPolicy can let in."""

    opens: tuple[tuple[TierPolicy, TierRule], ...]
    closed: Cover


def admin(policies: Iterable[TierPolicy], space: Labels, labels: Labels, direction: Direction) -> Tier:
    """The admin tier for a pod with `labels` of a namespace with labels `space`.

    Of policies with the same priority none is taken to come before the other.
    """
    asked = [one for one in policies if not one.baseline and one.governs(space, labels)]
    asked.sort(key=lambda one: one.rank)
    opens: list[tuple[TierPolicy, TierRule]] = []
    denied, passed = Cover(), False
    closed = denied
    for _, group in groupby(asked, key=lambda one: one.priority):
        same = list(group)
        passed |= any(rule.action is Action.PASS for one in same for rule in one.rules[direction])
        reached = [_through(one, direction, denied) for one in same]
        opens += [(one, rule) for one, (admitting, _) in zip(same, reached, strict=True) for rule in admitting]
        for _, cover in reached:
            denied |= cover
        closed = closed if passed else denied
    return Tier(tuple(opens), closed)


def _through(one: TierPolicy, direction: Direction, denied: Cover) -> tuple[list[TierRule], Cover]:
    admitting: list[TierRule] = []
    for rule in one.rules[direction]:
        if rule.action is Action.ALLOW:
            shown = tuple(peer for peer in rule.peers if not denied.hides(peer))
            admitting += [replace(rule, peers=shown)] if shown else []
        elif rule.action is Action.DENY and not rule.ports:
            for cover in _covers(rule):
                denied |= cover
    return admitting, denied


def _covers(rule: TierRule) -> Iterator[Cover]:
    for peer in rule.peers:
        if peer.block is not None and not peer.block.network.prefixlen:
            yield Cover(versions=frozenset({peer.block.network.version}))
        every = peer.pods is None or not peer.pods.requirements
        if peer.is_pods and every and peer.namespaces is not None and not peer.namespaces.requirements:
            yield Cover(pods=True)
