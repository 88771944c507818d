"""The fewest changes after which everything is covered: exact, unless that takes too long; then the best that was met.

There are places, each in its present state or in one of some others, and things, numbered; a state covers some of them,
held as the bits of an integer. A search branches on the thing with the fewest ways to cover it. Once a way has been
explored its siblings do without it, so no set of changes is met twice; and a branch ends where it cannot beat what is
known: things that share no way take a change each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

NODE = 15  # steps that each node costs, whatever is left uncovered there

Changes = Mapping[int, int]  # the state chosen, by its place among the others, for each place that changes


@dataclass(frozen=True, slots=True)
class Place:
    """What it covers as it is, and in each other state."""

    now: int
    others: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """`changes` is None where nothing was found. `certain`: nothing better exists; false where the steps ran out."""

    changes: Changes | None
    certain: bool
    steps: int


def fewest(places: Sequence[Place], things: int, steps: int) -> Found:
    """The fewest changes to `places` that cover `things`, within so many steps; one straight descent is always made.

    A step is about a microsecond.
    """
    search = _Search(places, (1 << things) - 1, steps)
    stack = [search.below(_Node({}, search.states))]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
        else:
            stack.append(search.below(node))
    return Found(search.best, not search.cut, search.taken)


@dataclass(frozen=True, slots=True)
class _Node:
    changes: Changes
    free: int  # ways that may still be gone, as bits


@dataclass(slots=True)
class _Search:
    places: Sequence[Place]
    everything: int
    steps: int
    taken: int = 0
    cut: bool = False  # something was left unexplored
    best: Changes | None = None
    ways: list[tuple[int, int]] = field(default_factory=list)  # (place, other state), numbered
    of_place: list[int] = field(default_factory=list)  # the ways of each place, as bits
    of_thing: list[int] = field(default_factory=list)  # those that cover each thing, as bits

    def __post_init__(self) -> None:
        for place, one in enumerate(self.places):
            first = len(self.ways)
            self.ways += ((place, state) for state in range(len(one.others)))
            self.of_place.append((1 << len(self.ways)) - (1 << first))
        self.of_thing = [0] * self.everything.bit_length()
        for way in range(len(self.ways)):
            for thing in _bits(self._state(way)):
                self.of_thing[thing] |= 1 << way
                self.taken += 1

    @property
    def states(self) -> int:
        """Every way there is."""
        return (1 << len(self.ways)) - 1

    def below(self, node: _Node) -> Iterator[_Node]:
        """The nodes with one change more; notes the changes of one that needs none."""
        bare = self.everything & ~self._covered(node.changes)
        if not bare:
            self.best = node.changes if self._better(len(node.changes)) else self.best
            return
        rows = sorted(self.of_thing[thing] & node.free for thing in _bits(bare))
        rows.sort(key=int.bit_count)
        self.taken += len(rows) + len(self.places) + NODE
        if not rows[0] or not self._better(len(node.changes) + _disjoint(rows)):
            return
        free = node.free
        for nth, way in enumerate(self._ordered(rows[0], bare)):
            if nth and self.taken > self.steps:
                self.cut = True
                return
            place, state = self.ways[way]
            yield _Node({**node.changes, place: state}, free & ~self.of_place[place])
            free &= ~(1 << way)

    def _better(self, changes: int) -> bool:
        return self.best is None or changes < len(self.best)

    def _covered(self, changes: Changes) -> int:
        covered = 0
        for place, one in enumerate(self.places):
            covered |= one.others[changes[place]] if place in changes else one.now
        return covered

    def _ordered(self, row: int, bare: int) -> list[int]:
        """The ways of a row: first what covers most, then in the order given."""
        return sorted(_bits(row), key=lambda way: -(self._state(way) & bare).bit_count())

    def _state(self, way: int) -> int:
        place, state = self.ways[way]
        return self.places[place].others[state]


def _disjoint(rows: Sequence[int]) -> int:
    """How many of the rows, few ways first, share none: so many changes at least are needed."""
    taken = needed = 0
    for row in rows:
        if not taken & row:
            taken |= row
            needed += 1
    return needed


def _bits(number: int) -> Iterator[int]:
    """The places of its bits."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
