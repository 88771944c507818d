"""NetworkPolicy v1, the tiers around it, and the world they hold in, as frozen nouns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from irkit.contain.policy.selector import Labels, Selector
from irkit.model.isolation import Direction

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PROTOCOLS = ("TCP", "UDP", "SCTP")  # all that NetworkPolicy speaks of
LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Port:
    """Ports of one protocol: a range, or those that the receiving pod gives the name `named`."""

    protocol: str = "TCP"
    first: int = 1
    last: int = LAST_PORT
    named: str | None = None  # None: the range counts


@dataclass(frozen=True, slots=True)
class Block:
    """Addresses, by network, less some."""

    network: Network
    excepted: tuple[Network, ...] = ()

    def holds(self, address: Address) -> bool:
        """True for an address of the block."""
        return address in self.network and not any(address in hole for hole in self.excepted)


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom a rule fits: a block of addresses, pods by labels; in the tiers also nodes, and what names resolve to.

    `pods` None selects every pod of the namespaces; `namespaces` None means the policy's own.
    """

    block: Block | None = None  # None: something else
    pods: Selector | None = None
    namespaces: Selector | None = None
    nodes: Selector | None = None
    domains: tuple[str, ...] = ()

    @property
    def is_pods(self) -> bool:
        """True where it selects pods."""
        return self.block is None and self.nodes is None and not self.domains


@dataclass(frozen=True, slots=True)
class Rule:
    """Admits every one of `peers` (none named: everybody) on every one of `ports` (none named: all)."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One NetworkPolicy. `rules` has a direction exactly when the policy's types do."""

    namespace: str
    name: str
    pods: Selector
    rules: Mapping[Direction, tuple[Rule, ...]]


class Action(StrEnum):
    """What becomes of traffic that a rule fits; passed on, it is for NetworkPolicies to decide, then for nobody."""

    ALLOW = "allow"
    DENY = "deny"
    PASS = "pass"  # noqa: S105 - no password


@dataclass(frozen=True, slots=True)
class TierRule:
    """Unlike a NetworkPolicy's, a rule that names nobody fits nobody; without ports it fits all."""

    action: Action
    peers: tuple[Peer, ...]
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """One policy of the admin tier, asked before NetworkPolicies, or of the `baseline`, asked where none selects."""

    kind: str
    name: str
    baseline: bool
    priority: int  # lower is asked first
    namespaces: Selector
    pods: Selector
    rules: Mapping[Direction, tuple[TierRule, ...]]

    def governs(self, space: Labels, labels: Labels) -> bool:
        """True for a pod with `labels` of a namespace with labels `space`."""
        return self.namespaces.matches(space) and self.pods.matches(labels)

    @property
    def rank(self) -> tuple[int, str, str]:
        """Its place in its tier."""
        return (self.priority, self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What takes part in a conversation by its labels: a pod, or a workload that stands for its pods.

    `ports` are the named ones of its containers: (name, protocol, number). A pod on its node's network is not governed
    by policies and not found by selectors, as in most engines (the API leaves both undefined).
    """

    namespace: str
    name: str
    kind: str = "Pod"
    labels: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[Address, ...] = ()  # none known offline
    ports: tuple[tuple[str, str, int], ...] = ()
    host_network: bool = False

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}[{self.kind}]"


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster."""

    labels: Mapping[str, str]
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """Namespaces by name with their labels, endpoints, policies; `tiers` and `nodes` where the cluster has tiers.

    `unread` names what would belong to it, but is of a kind that irkit does not know.
    """

    namespaces: Mapping[str, Mapping[str, str]]
    endpoints: tuple[Endpoint, ...]
    policies: tuple[Policy, ...]
    tiers: tuple[TierPolicy, ...] = ()
    nodes: tuple[Node, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def every_policy(self) -> tuple[Policy | TierPolicy, ...]:
        """NetworkPolicies and those of the tiers."""
        return (*self.policies, *self.tiers)

    @property
    def peers(self) -> Iterator[Peer]:
        """Whom any rule of any policy names."""
        for policy in self.every_policy:
            yield from (peer for rules in policy.rules.values() for rule in rules for peer in rule.peers)
