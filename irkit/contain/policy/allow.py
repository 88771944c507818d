"""Who may talk to whom: NetworkPolicy v1 and the tiers around it, as their API references have it.

A connection is open on the ports that the source may leave by and the destination may be entered by. The admin tier is
asked first: the first of its rules that fits allows, denies, or passes on. What it passes on or says nothing about is
for NetworkPolicies: where some select a pod for a direction, what any of their rules admits is open, nothing else.
Where none does, the baseline tier is asked, and where that says nothing either, all is open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from ipaddress import ip_network
from operator import or_

from irkit.contain.policy.nouns import (
    Action,
    Address,
    Block,
    Endpoint,
    Peer,
    Policy,
    Port,
    Rule,
    TierRule,
    World,
)
from irkit.contain.policy.selector import Labels
from irkit.contain.policy.spans import EVERY_PORT, NONE, Spans, ports
from irkit.model.isolation import Direction

Party = Endpoint | Address  # an address stands for something outside the cluster


@dataclass(slots=True)
class Judge:
    """Answers for one world; what it has worked out once it remembers."""

    world: World
    _policies: dict[str, list[Policy]] = field(default_factory=lambda: defaultdict(list))
    _open: dict[tuple[int, Direction], tuple[tuple[str, Rule], ...] | None] = field(default_factory=dict)
    _picked: dict[tuple[int, str, int], bool] = field(default_factory=dict)
    _tiers: dict[tuple[int, Direction, bool], tuple[TierRule, ...]] = field(default_factory=dict)
    _nodes: dict[Peer, tuple[Address, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for policy in self.world.policies:
            self._policies[policy.namespace].append(policy)

    def ports(self, source: Party, target: Party) -> Spans:
        """The ports on which `source` may open a connection to `target`."""
        out = self._passes(source, Direction.EGRESS, target)
        return out & self._passes(target, Direction.INGRESS, source) if out else out

    def rules(self, subject: Endpoint, direction: Direction) -> tuple[tuple[str, Rule], ...] | None:
        """The rules that govern a pod's direction, with their policy's namespace; None: nothing does."""
        key = (id(subject), direction)
        if key not in self._open:
            selecting = [p for p in self._policies[subject.namespace] if direction in p.rules]
            selecting = [p for p in selecting if p.pods.matches(subject.labels)]
            found = tuple((p.namespace, rule) for p in selecting for rule in p.rules[direction])
            self._open[key] = found if selecting and not subject.host_network else None
        return self._open[key]

    def tier(self, subject: Endpoint, direction: Direction, *, baseline: bool) -> tuple[TierRule, ...]:
        """The rules of one tier that govern a pod's direction, in order."""
        key = (id(subject), direction, baseline)
        if key not in self._tiers:
            space = self.world.namespaces.get(subject.namespace, {})
            asked = sorted((one for one in self.world.tiers if one.baseline is baseline), key=lambda one: one.rank)
            governing = [] if subject.host_network else [one for one in asked if one.governs(space, subject.labels)]
            self._tiers[key] = tuple(rule for one in governing for rule in one.rules[direction])
        return self._tiers[key]

    def blocks(self, subject: Endpoint, direction: Direction) -> Iterator[Block]:
        """Every block of addresses that a rule which governs the pod's direction tells from others."""
        tiers = (rule for baseline in (False, True) for rule in self.tier(subject, direction, baseline=baseline))
        peers = [peer for rule in tiers for peer in rule.peers]
        peers += [peer for _, rule in self.rules(subject, direction) or () for peer in rule.peers]
        for peer in peers:
            yield from [peer.block] if peer.block else []
            yield from (Block(ip_network(address)) for address in self._of_nodes(peer))

    def _passes(self, subject: Party, direction: Direction, other: Party) -> Spans:
        if not isinstance(subject, Endpoint):
            return EVERY_PORT
        receiver = subject if direction is Direction.INGRESS else other
        open_, rest = self._decided(self.tier(subject, direction, baseline=False), receiver, other)
        governing = self.rules(subject, direction) if rest else ()
        if governing is None:
            allowed, silent = self._decided(self.tier(subject, direction, baseline=True), receiver, other)
            return open_ | rest & (allowed | silent)
        admitted = [ports_of(rule.ports, receiver) for home, rule in governing if self._admits(rule, home, other)]
        return open_ | rest & reduce(or_, admitted, NONE)

    def _decided(self, rules: Iterable[TierRule], receiver: Party, other: Party) -> tuple[Spans, Spans]:
        """The ports that a tier opens, and those that it leaves to others."""
        allowed, passed, rest = NONE, NONE, EVERY_PORT
        for rule in rules:
            if not rest:
                break
            if any(self._is(peer, "", other) for peer in rule.peers):
                fits = ports_of(rule.ports, receiver) & rest
                rest -= fits
                allowed |= fits if rule.action is Action.ALLOW else NONE
                passed |= fits if rule.action is Action.PASS else NONE
        return allowed, passed | rest

    def _admits(self, rule: Rule, home: str, other: Party) -> bool:
        return not rule.peers or any(self._is(peer, home, other) for peer in rule.peers)

    def _is(self, peer: Peer, home: str, other: Party) -> bool:
        if peer.domains:
            return False  # what a name stands for changes, and no manifest says it
        if peer.nodes is not None:
            own = other.addresses if isinstance(other, Endpoint) else (other,)
            return any(address in own for address in self._of_nodes(peer))
        if not isinstance(other, Endpoint):
            return peer.block is not None and peer.block.holds(other)
        key = (id(peer), home, id(other))
        if key not in self._picked:
            self._picked[key] = picks(peer, home, other, self.world.namespaces.get(other.namespace, {}))
        return self._picked[key]

    def _of_nodes(self, peer: Peer) -> tuple[Address, ...]:
        if (found := peer.nodes) is None:
            return ()
        if peer not in self._nodes:
            chosen = [node for node in self.world.nodes if found.matches(node.labels)]
            self._nodes[peer] = tuple(address for node in chosen for address in node.addresses)
        return self._nodes[peer]


def picks(peer: Peer, home: str, other: Endpoint, space: Labels) -> bool:
    """Whether `peer`, in a policy of namespace `home`, means the pod `other` of a namespace with labels `space`."""
    if peer.block is not None:
        return any(peer.block.holds(address) for address in other.addresses)
    there = other.namespace == home if peer.namespaces is None else peer.namespaces.matches(space)
    return there and not other.host_network and (peer.pods is None or peer.pods.matches(other.labels))


def ports_of(listed: Iterable[Port], receiver: Party) -> Spans:
    """The ports of a rule, none being all; a name stands for what `receiver` calls so, and else for nothing."""
    found = list(listed)
    return reduce(or_, (spans for port in found for spans in _spans(port, receiver)), NONE) if found else EVERY_PORT


def _spans(port: Port, receiver: Party) -> Iterator[Spans]:
    if port.named is None:
        yield ports(port.protocol, port.first, port.last)
    elif isinstance(receiver, Endpoint):
        for name, protocol, number in receiver.ports:
            if (name, protocol) == (port.named, port.protocol):
                yield ports(protocol, number, number)
