"""The search for the fewest changes against trying all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.contain.plan.search import Place, fewest

THINGS = 5

bits = st.integers(0, (1 << THINGS) - 1)
places = st.lists(st.builds(Place, bits, st.lists(bits, max_size=3).map(tuple)), max_size=5)


def covered(asked: Sequence[Place], changes: Mapping[int, int]) -> bool:
    found = 0
    for n, place in enumerate(asked):
        found |= place.others[changes[n]] if n in changes else place.now
    return found == (1 << THINGS) - 1


def every(asked: Sequence[Place]) -> Iterator[dict[int, int]]:
    for states in product(*((None, *range(len(place.others))) for place in asked)):
        yield {n: state for n, state in enumerate(states) if state is not None}


@settings(max_examples=300)
@given(places)
def test_nothing_does_with_fewer(asked: list[Place]) -> None:
    found = fewest(asked, THINGS, 1_000_000)
    best = min((len(changes) for changes in every(asked) if covered(asked, changes)), default=None)
    assert found.certain
    assert (found.changes is None) is (best is None)
    if found.changes is not None:
        assert covered(asked, found.changes)
        assert len(found.changes) == best


@settings(max_examples=300)
@given(places, st.integers(0, 60))
def test_what_is_certain_in_few_steps_is_true(asked: list[Place], steps: int) -> None:
    found, whole = fewest(asked, THINGS, steps), fewest(asked, THINGS, 1_000_000)
    if found.certain:
        assert (found.changes is None) is (whole.changes is None)
        assert len(found.changes or ()) == len(whole.changes or ())
    if found.changes is not None:
        assert covered(asked, found.changes)
