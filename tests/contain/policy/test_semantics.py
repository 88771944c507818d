"""The policy semantics against a second implementation, on random clusters."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import islice, permutations, product

import pytest
from hypothesis import HealthCheck, given, seed, settings

from irkit.cluster.protocol import Json
from irkit.contain.policy import spans
from irkit.contain.policy.alike import groups
from irkit.contain.policy.allow import Judge, Party
from irkit.contain.policy.nouns import World
from irkit.contain.policy.spans import Spans
from irkit.contain.reach.connections import reach
from irkit.contain.world.objects import world
from tests.contain.policy.brute import Cluster, Packet
from tests.contain.policy.clusters import NUMBERS, OUTSIDE, PROTOCOLS, cluster

PORTS = sorted({*NUMBERS, 2, 79, 82, 8079, 65534})  # those that rules name, and some neighbours


def build(given_: Cluster) -> World:
    objects = [*given_.namespaces.values(), *given_.pods.values(), *given_.policies, *given_.tiers, *given_.nodes]
    return world(objects, live=True)


def packets(given_: Cluster) -> Iterator[Packet]:
    for source, target in permutations([*given_.pods, *OUTSIDE], 2):
        if source in given_.pods or target in given_.pods:
            yield from (Packet(source, target, protocol, port) for protocol in PROTOCOLS for port in PORTS)


def agree(given_: Cluster, every: int) -> None:
    """On every so-manieth packet: 7 divides no number of ports and protocols, so all of them get a turn."""
    built = build(given_)
    parties: dict[str, Party] = {one.name: one for one in built.endpoints}
    parties |= {outside: ip_address(outside) for outside in OUTSIDE}
    judge = Judge(built)
    found: dict[tuple[str, str], Spans] = {}
    for packet in islice(packets(given_), 0, None, every):
        ends = packet.source, packet.target
        if ends not in found:
            found[ends] = judge.ports(*(parties[end] for end in ends))
        one = spans.ports(packet.protocol, packet.port, packet.port)
        assert bool(found[ends] & one) is given_.passes(packet), packet


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(cluster())
def test_both_say_the_same(given_: Cluster) -> None:
    agree(given_, every=7)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(cluster())
def test_pods_that_nothing_tells_apart_are_judged_as_each_alone(given_: Cluster) -> None:
    built = build(given_)
    twins = [replace(one, name=f"{one.name}2", labels={**one.labels, "unasked": "x"}) for one in built.endpoints]
    built = replace(built, endpoints=(*built.endpoints, *twins))
    assert len(groups(built, built.endpoints)) <= len(twins)
    found = {(one["src"], one["dst"]): one["ports"] for one in reach(built)}
    for source, target in permutations(built.endpoints, 2):
        assert found.get((str(source), str(target)), []) == told(Judge(built).ports(source, target))
    version = 6 if any(":" in end for ends in found for end in ends) else 4  # IPv6 is told of where it is spoken of
    addresses = [outside for outside in map(ip_address, OUTSIDE) if outside.version <= version]
    for outside, one in product(addresses, built.endpoints):
        into = [open_ for (end, to), open_ in found.items() if to == str(one) and is_end(end, str(outside))]
        out = [open_ for (start, end), open_ in found.items() if start == str(one) and is_end(end, str(outside))]
        assert (into or [[]]) == [told(Judge(built).ports(outside, one))]
        assert (out or [[]]) == [told(Judge(built).ports(one, outside))]


def told(found: Spans) -> str | list[Json]:
    ports = [{"protocol": name, "port": first, "endPort": last} for name, first, last in spans.by_protocol(found)]
    return "all" if found == spans.EVERY_PORT else ports


@settings(max_examples=2_500, suppress_health_check=list(HealthCheck))
@given(cluster())
def many(given_: Cluster) -> None:
    agree(given_, every=7)


@pytest.mark.slow
@pytest.mark.parametrize("quarter", range(4))  # others in each, for as many cores
def test_both_say_the_same_ten_thousand_times(quarter: int) -> None:
    seed(quarter)(many)()


def covers(connections: list[Json], packet: Packet) -> bool:
    return any(
        is_end(one["src"], packet.source) and is_end(one["dst"], packet.target) and is_open(one["ports"], packet)
        for one in connections
    )


@functools.cache
def is_end(text: str, end: str) -> bool:
    if text.endswith("[Pod]"):
        return text.partition("/")[2] == f"{end}[Pod]"
    return not end.startswith("pod-") and ip_address(end) in ip_network(text)


def is_open(ports: str | list[Json], packet: Packet) -> bool:
    return isinstance(ports, str) or any(
        one["protocol"] == packet.protocol and one["port"] <= packet.port <= one["endPort"] for one in ports
    )


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(cluster())
def test_reach_says_what_passes(given_: Cluster) -> None:
    connections = reach(build(given_))
    spoken = any(":" in one[end] for one in connections for end in ("src", "dst"))
    for packet in packets(given_):
        if ":" not in packet.source + packet.target or spoken:
            assert covers(connections, packet) is given_.passes(packet), packet
