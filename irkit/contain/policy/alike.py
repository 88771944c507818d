"""Endpoints that no policy of a world tells apart: what one of them may, all of them may."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from ipaddress import ip_network

from irkit.contain.policy.nouns import Block, Endpoint, World
from irkit.contain.policy.selector import Selector

Group = tuple[Endpoint, list[str]]  # one of them, and what all of them are called


def groups(world: World, endpoints: Iterable[Endpoint]) -> list[Group]:
    """`endpoints`, in order of the first of each group: a cluster has thousands of pods, of some tens of kinds."""
    keys = {requirement.key for selector in _selectors(world) for requirement in selector.requirements}
    blocks = list(dict.fromkeys(_blocks(world)))
    found: dict[Hashable, Group] = {}
    for one in endpoints:
        found.setdefault(_look(one, keys, blocks), (one, []))[1].append(str(one))
    return list(found.values())


def _look(one: Endpoint, keys: Collection[str], blocks: Collection[Block]) -> Hashable:
    """All of an endpoint that a verdict may hang on."""
    labels = frozenset((key, one.labels[key]) for key in keys if key in one.labels)
    within = tuple(any(map(block.holds, one.addresses)) for block in blocks)
    return one.namespace, one.host_network, frozenset(one.ports), labels, within


def _selectors(world: World) -> Iterator[Selector]:
    yield from (policy.pods for policy in world.every_policy)
    yield from (peer.pods for peer in world.peers if peer.pods)


def _blocks(world: World) -> Iterator[Block]:
    """Those that rules name, and the addresses of nodes where a rule means nodes."""
    for peer in world.peers:
        yield from [peer.block] if peer.block else []
        if peer.nodes is not None:
            yield from (Block(ip_network(address)) for node in world.nodes for address in node.addresses)
