"""NetworkPolicy v1 and the world it holds in, as frozen nouns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from irkit.contain.policy.selector import Selector
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
    """Whom a rule admits: a block of addresses, or pods by labels.

    `pods` None selects every pod of the namespaces; `namespaces` None means the policy's own.
    """

    block: Block | None = None  # None: pods
    pods: Selector | None = None
    namespaces: Selector | None = None


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
class World:
    """Namespaces by name with their labels, endpoints, policies."""

    namespaces: Mapping[str, Mapping[str, str]]
    endpoints: tuple[Endpoint, ...]
    policies: tuple[Policy, ...]
