"""Who may talk to whom: NetworkPolicy v1 as documented in the API reference, nothing of any engine's own.

A connection is open on the ports that the source may leave by and the destination may be entered by. Where no policy
selects a pod for a direction, everything is; where some do, what any of their rules admits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from irkit.contain.policy.nouns import Address, Endpoint, Peer, Policy, Port, Rule, World
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
    _picked: dict[tuple[Peer, str, int], bool] = field(default_factory=dict)

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

    def _passes(self, subject: Party, direction: Direction, other: Party) -> Spans:
        governing = self.rules(subject, direction) if isinstance(subject, Endpoint) else None
        if governing is None:
            return EVERY_PORT
        receiver = subject if direction is Direction.INGRESS else other
        admitted = [ports_of(rule, receiver) for home, rule in governing if self._admits(rule, home, other)]
        return reduce(or_, admitted, NONE)

    def _admits(self, rule: Rule, home: str, other: Party) -> bool:
        return not rule.peers or any(self._is(peer, home, other) for peer in rule.peers)

    def _is(self, peer: Peer, home: str, other: Party) -> bool:
        if not isinstance(other, Endpoint):
            return peer.block is not None and peer.block.holds(other)
        key = (peer, home, id(other))
        if key not in self._picked:
            self._picked[key] = picks(peer, home, other, self.world.namespaces.get(other.namespace, {}))
        return self._picked[key]


def picks(peer: Peer, home: str, other: Endpoint, space: Labels) -> bool:
    """Whether `peer`, in a policy of namespace `home`, means the pod `other` of a namespace with labels `space`."""
    if peer.block is not None:
        return any(peer.block.holds(address) for address in other.addresses)
    there = other.namespace == home if peer.namespaces is None else peer.namespaces.matches(space)
    return there and not other.host_network and (peer.pods is None or peer.pods.matches(other.labels))


def ports_of(rule: Rule, receiver: Party) -> Spans:
    """The ports of `rule`; a name stands for what `receiver` calls so, and for nothing where it does not."""
    if not rule.ports:
        return EVERY_PORT
    return reduce(or_, (spans for port in rule.ports for spans in _spans(port, receiver)), NONE)


def _spans(port: Port, receiver: Party) -> Iterator[Spans]:
    if port.named is None:
        yield ports(port.protocol, port.first, port.last)
    elif isinstance(receiver, Endpoint):
        for name, protocol, number in receiver.ports:
            if (name, protocol) == (port.named, port.protocol):
                yield ports(protocol, number, number)
