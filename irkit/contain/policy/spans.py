"""Sets of integers as ranges, and the two lines they lie on here: ports, and addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

from irkit.contain.policy.nouns import LAST_PORT, PROTOCOLS, Address, Block, Network

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Spans:
    """A set of integers: ranges (first, last), ascending, with gaps between them; `make` brings any into shape."""

    ranges: Ranges = ()

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __or__(self, other: Spans) -> Spans:
        return _either(self.ranges, other.ranges)

    def __and__(self, other: Spans) -> Spans:
        return _both(self.ranges, other.ranges)

    def __sub__(self, other: Spans) -> Spans:
        left = list(self.ranges)
        for first, last in other.ranges:
            split = ((low, high) for a, b in left for low, high in ((a, min(b, first - 1)), (max(a, last + 1), b)))
            left = [pair for pair in split if pair[0] <= pair[1]]
        return make(left)


def make(ranges: Iterable[tuple[int, int]]) -> Spans:
    """The set that `ranges`, in any order and overlapping as they like, make together."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return Spans(tuple(merged))


# A cluster's policies speak of few sets of ports, and every pair of pods asks for them again.
@lru_cache(4096)
def _either(some: Ranges, others: Ranges) -> Spans:
    return make((*some, *others))


@lru_cache(4096)
def _both(some: Ranges, others: Ranges) -> Spans:
    found = ((max(a, c), min(b, d)) for a, b in some for c, d in others)
    return make(pair for pair in found if pair[0] <= pair[1])


NONE = Spans()


def ports(protocol: str, first: int = 1, last: int = LAST_PORT) -> Spans:
    """Ports of one protocol, on a line that holds the protocols one after the other; port 0 keeps them apart."""
    base = PROTOCOLS.index(protocol) << 16
    return Spans(((base + first, base + last),))


EVERY_PORT = make(span for protocol in PROTOCOLS for span in ports(protocol).ranges)


def by_protocol(spans: Spans) -> Iterator[tuple[str, int, int]]:
    """The ports as (protocol, first, last)."""
    for first, last in spans.ranges:
        yield PROTOCOLS[first >> 16], first & LAST_PORT, last & LAST_PORT


_V6 = 1 << 40  # IPv6 begins here on the line of addresses, well after the last of IPv4


def place(address: Address) -> int:
    """Where an address lies on the line."""
    return int(address) + (_V6 if address.version == 6 else 0)


def edges(block: Block) -> Iterator[int]:
    """Where on the line something changes because of `block`."""
    for network in (block.network, *block.excepted):
        yield place(network.network_address)
        yield place(network.broadcast_address) + 1


def whole(version: int) -> tuple[int, int]:
    """The first and last place of an IP version."""
    return (0, 2**32 - 1) if version == 4 else (_V6, _V6 + 2**128 - 1)


def address(spot: int) -> Address:
    """The address at a place."""
    return IPv6Address(spot - _V6) if spot >= _V6 else IPv4Address(spot)


def networks(spans: Spans) -> Iterator[Network]:
    """The fewest networks that make up a set of addresses."""
    for first, last in spans.ranges:
        yield from summarize_address_range(address(first), address(last))
