"""One deed after another: what is kept of a log for the rules that ask for a sequence, in bounded memory.

Time is cut into spans of the length that the rule allows between the two deeds. Of each subject and span the earliest
and the latest deed of either kind are enough: a pair within one span is never too far apart, and of two neighbouring
spans the latest first deed and the earliest second one are the nearest. Both are minima and maxima, so it makes no
difference in which order, and by which processes, the log was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from irkit.audit.detect.rule import Rule

LINKS = 50_000  # subjects in one span kept apart
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[str, str, int]  # rule, subject, number of the span


class Deed(NamedTuple):
    """One event of a sequence; in this order the earlier is the less."""

    at: datetime
    audit_id: str
    told: str
    actor: str
    target: str
    place: tuple[str, str, str]  # user, namespace and name, as an allow-list would have to name them


Pair = tuple[Deed, Deed]


@dataclass(slots=True)
class Link:
    """One subject in one span: the earliest and the latest of the first deeds, and of the second."""

    first: Pair | None = None  # None: no such deed
    second: Pair | None = None

    def add(self, other: Link) -> None:
        """Take up what another process has seen."""
        self.first, self.second = _wider(self.first, other.first), _wider(self.second, other.second)

    @property
    def whole(self) -> bool:
        """True where both deeds were seen."""
        return bool(self.first and self.second)


def _wider(one: Pair | None, other: Pair | None) -> Pair | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


@dataclass(slots=True)
class Chains:
    """Every subject of every rule that asks for a sequence."""

    links: dict[Key, Link] = field(default_factory=dict)
    evicted: int = 0  # links given up for want of room: a sequence may have been missed

    def take(self, rule: Rule, subject: str, deed: Deed, *, begins: bool) -> None:
        """Enter one deed of `subject`, which is the rule's first one or its second."""
        if rule.chain and subject:
            number = (deed.at - _EPOCH) // rule.chain.span
            pair = deed, deed
            self._enter((rule.id, subject, number), Link(pair, None) if begins else Link(None, pair))

    def merge(self, other: Chains) -> None:
        """Add what another process has seen."""
        self.evicted += other.evicted
        for key, link in other.links.items():
            self._enter(key, link)

    def _enter(self, key: Key, link: Link) -> None:
        if known := self.links.get(key):
            known.add(link)
            return
        self.links[key] = link
        if len(self.links) > LINKS:
            self._make_room()

    def _make_room(self) -> None:
        """Give up a quarter: those that lack a deed before whole ones, and of them the oldest."""
        oldest = sorted(self.links, key=lambda key: (self.links[key].whole, key[2], key))
        for key in oldest[: max(LINKS // 4, 1)]:
            del self.links[key]
            self.evicted += 1

    def fired(self, rules: Mapping[str, Rule]) -> Iterator[tuple[Rule, list[Pair]]]:
        """Each rule and subject with the pairs of deeds that make its sequence, in time order."""
        for (name, _), keys in groupby(sorted(self.links), key=lambda key: key[:2]):
            rule, links = rules[name], {key[2]: self.links[key] for key in keys}
            if rule.chain and (pairs := list(_pairs(links, rule.chain.span))):
                yield rule, pairs


def _pairs(links: Mapping[int, Link], span: timedelta) -> Iterator[Pair]:
    for number, link in links.items():
        if link.first and link.second and link.first[0].at <= link.second[1].at:
            yield link.first[0], link.second[1]
        after = links.get(number + 1)
        if link.first and after and after.second and after.second[0].at - link.first[1].at <= span:
            yield link.first[1], after.second[0]
