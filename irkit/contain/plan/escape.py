"""The fewest label changes after which none of some selectors matches.

A selector is evaded by falsifying one of its requirements, so each key is a place, its values are the states, and a
value covers the selectors with a requirement on the key that it falsifies.

Of all values a key could take only a few differ: absent, one that nobody names, and those that some NotIn names; any
other value is matched by no fewer selectors than the one that nobody names, nor that one by fewer than no label where
none asks for absence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from irkit.contain.plan.search import Place, fewest
from irkit.contain.policy.selector import Labels, Requirement, Selector, bearable

STEPS = 2_000_000  # of all searches that share a patience: about a second
NOBODY = "irkit-quarantine"

Value = str | None  # of a label; None: absent


@dataclass(frozen=True, slots=True)
class Escape:
    """`labels` is None where none was found. `certain`: no labels do better; false where the search was given up."""

    labels: dict[str, str] | None
    certain: bool = True


@dataclass(slots=True)
class Patience:
    """What searches for one pod may take together: each at most half of what the others have left, until none is."""

    steps: int = STEPS


def escape(
    labels: Labels, selectors: Iterable[Selector], keep: Collection[Requirement] = (), patience: Patience | None = None
) -> Escape:
    """The labels nearest to `labels` that none of `selectors` matches; each of `keep`, which hold now, still holds."""
    patience = patience or Patience()
    if not patience.steps:
        return Escape(None, certain=False)
    asked = tuple(dict.fromkeys(selectors))
    options = _options(asked, keep, labels)
    concerning = _concerning(asked)
    places = [
        Place(_evading(concerning[key], key, labels.get(key)), tuple(_evading(concerning[key], key, v) for v in values))
        for key, values in options.items()
    ]
    found = fewest(places, len(asked), patience.steps // 2)
    built = sum(len(concerning[key]) * (1 + len(values)) for key, values in options.items()) + len(asked)
    patience.steps = max(0, patience.steps - found.steps - built)
    if found.changes is None:
        return Escape(None, found.certain)
    keys = list(options)
    told = dict(labels)
    for place, state in sorted(found.changes.items()):
        told = put(told, keys[place], options[keys[place]][state])
    return Escape(told, found.certain)


Concerning = dict[Requirement, int]


def _concerning(selectors: Iterable[Selector]) -> dict[str, Concerning]:
    """By key the requirements on it, each with the bits of the selectors that have it."""
    found: dict[str, Concerning] = defaultdict(dict)
    for number, one in enumerate(selectors):
        for requirement in one.requirements:
            of_key = found[requirement.key]
            of_key[requirement] = of_key.get(requirement, 0) | 1 << number
    return found


def _evading(requirements: Concerning, key: str, value: Value) -> int:
    """The bits of the selectors that do not match once `key` has this value."""
    labels, bits = put({}, key, value), 0
    for requirement, of_selectors in requirements.items():
        if not requirement.holds(labels):
            bits |= of_selectors
    return bits


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
    return {key: tuple(_worth(key, named, labels.get(key))) for key, named in sorted(keys.items())}


def _worth(key: str, named: _Named, now: Value) -> Iterator[Value]:
    spare = (f"{NOBODY}-{number}" if number else NOBODY for number in count())
    fresh = next(value for value in spare if value not in named.everywhere)
    gone = not named.absent and all(one.holds({}) for one in named.keep)  # then nothing is better than no label
    for value in (None,) if gone else (None, *sorted(named.useful), fresh):
        kept = all(one.holds(put({}, key, value)) for one in named.keep)
        if kept and value != now and (value is None or bearable(key, value)):
            yield value
