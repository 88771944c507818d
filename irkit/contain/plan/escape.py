"""The fewest label changes after which none of some selectors matches: an exact search.

A selector is evaded by falsifying one of its requirements, so the search takes a selector that still matches and tries
each way to do that, with one change allowed, then two, and so on. Selectors that share no key take a change each, so
fewer are not tried: a pod may bear a label for each thing it talks to, and a policy selects by each.

Of all values a key could take only a few differ: absent, one that nobody names, and those that some NotIn names; any
other value is matched by no fewer selectors than the one that nobody names, nor that one by fewer than no label where
none asks for absence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from irkit.contain.policy.selector import Labels, Requirement, Selector

STEPS = 2_000_000  # selectors held against labels before the search is given up: a few seconds
NOBODY = "irkit-quarantine"

Value = str | None  # of a label; None: absent


@dataclass(frozen=True, slots=True)
class Escape:
    """`labels` is None where nothing was found; that is `certain` unless the search was given up."""

    labels: dict[str, str] | None
    certain: bool = True


def escape(labels: Labels, selectors: Collection[Selector], keep: Collection[Requirement] = ()) -> Escape:
    """The labels nearest to `labels` that none of `selectors` matches; each of `keep`, which hold now, still holds."""
    search = _Search(tuple(dict.fromkeys(selectors)), _options(selectors, keep, labels))
    for changes in range(len(search.options) + 1):
        search.cut = False
        if found := search.within(changes, dict(labels), frozenset()):
            return Escape(found[0])
        if search.steps > STEPS:
            return Escape(None, certain=False)
        if not search.cut:
            break
    return Escape(None)


@dataclass(slots=True)
class _Search:
    selectors: tuple[Selector, ...]
    options: Mapping[str, tuple[Value, ...]]
    steps: int = 0
    cut: bool = False  # a branch ended for want of changes only

    def within(self, changes: int, labels: dict[str, str], decided: frozenset[str]) -> tuple[dict[str, str]] | None:
        """The labels found with that many changes more to keys not yet decided."""
        self.steps += len(self.selectors) or 1
        matching = [selector for selector in self.selectors if selector.matches(labels)]
        if not matching:
            return (labels,)
        ways = sorted((list(self.ways(selector, decided)) for selector in matching), key=len)
        if not ways[0]:
            return None
        if _needed(ways) > changes:
            self.cut = True
            return None
        for key, value in ways[0]:
            if self.steps > STEPS:
                return None
            if found := self.within(changes - 1, put(labels, key, value), decided | {key}):
                return found
        return None

    def ways(self, selector: Selector, decided: frozenset[str]) -> Iterator[tuple[str, Value]]:
        """Every change that makes the selector, which matches, match no more; taking a label away comes first."""
        found = {
            (key, value)
            for key in {requirement.key for requirement in selector.requirements} - decided
            for value in self.options[key]
            if not all(one.holds(put({}, key, value)) for one in selector.requirements if one.key == key)
        }
        yield from sorted(found, key=lambda way: (way[1] is not None, way[0], way[1] or ""))


def _needed(ways: Iterable[Iterable[tuple[str, Value]]]) -> int:
    """How many changes selectors that are evaded in these ways take at least: one for each that shares no key."""
    taken: set[str] = set()
    needed = 0
    for keys in ({key for key, _ in of_one} for of_one in ways):
        if taken.isdisjoint(keys):
            taken |= keys
            needed += 1
    return needed


def put(labels: Labels, key: str, value: Value) -> dict[str, str]:
    """`labels` with `key` set to `value`, or without it."""
    rest = {name: given for name, given in labels.items() if name != key}
    return rest if value is None else {**rest, key: value}


@dataclass(slots=True)
class _Named:
    everywhere: set[str] = field(default_factory=set)  # by any requirement on the key
    useful: set[str] = field(default_factory=set)  # by a NotIn, or by a requirement to keep
    absent: bool = False  # some requirement holds where the label is absent
    keep: list[Requirement] = field(default_factory=list)


def _options(
    selectors: Collection[Selector], keep: Collection[Requirement], labels: Labels
) -> dict[str, tuple[Value, ...]]:
    """The values worth trying for every key, its present one aside."""
    keys: dict[str, _Named] = defaultdict(_Named)
    for one in {requirement for selector in selectors for requirement in selector.requirements}:
        keys[one.key].everywhere |= one.values
        keys[one.key].useful |= one.values if one.operator == "NotIn" else frozenset()
        keys[one.key].absent |= one.holds({})
    for one in keep:
        keys[one.key].everywhere |= one.values
        keys[one.key].useful |= one.values
        keys[one.key].keep.append(one)
    return {key: tuple(_worth(key, named, labels.get(key))) for key, named in keys.items()}


def _worth(key: str, named: _Named, now: Value) -> Iterator[Value]:
    spare = (f"{NOBODY}-{number}" if number else NOBODY for number in count())
    fresh = next(value for value in spare if value not in named.everywhere)
    gone = not named.absent and all(one.holds({}) for one in named.keep)  # then nothing is better than no label
    for value in (None,) if gone else (None, *sorted(named.useful), fresh):
        if value != now and all(one.holds(put({}, key, value)) for one in named.keep):
            yield value
