"""The label search against trying every set of labels there is."""

from __future__ import annotations

from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.contain.plan.escape import NOBODY, Escape, Patience, escape
from irkit.contain.policy.selector import Labels, Requirement, Selector

KEYS, VALUES = ("app", "tier", "zone"), ("x", "y", "z", "unheard-of")  # no requirement names the last one


def requirement(key: str, operator: str, *values: str) -> Requirement:
    return Requirement(key, operator, frozenset(values))


def selector(*requirements: Requirement) -> Selector:
    return Selector(requirements)


listed = st.lists(st.sampled_from(VALUES[:3]), min_size=1, max_size=3, unique=True)
requirements = st.one_of(
    st.builds(lambda key, operator, values: requirement(key, operator, *values), st.sampled_from(KEYS),
              st.sampled_from(["In", "NotIn"]), listed),
    st.builds(requirement, st.sampled_from(KEYS), st.sampled_from(["Exists", "DoesNotExist"])),
)  # fmt: skip
selectors = st.lists(st.lists(requirements, max_size=3).map(lambda some: selector(*some)), max_size=6)
label_sets = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=3)


def changes(one: Labels, other: Labels) -> int:
    return sum(one.get(key) != other.get(key) for key in {*one, *other})


def fewest(labels: Labels, avoided: list[Selector], keep: list[Requirement]) -> int | None:
    """The number of changes that the best of all label sets takes; None where every one is matched."""
    counts = []
    for values in product((None, *VALUES), repeat=len(KEYS)):
        tried = {key: value for key, value in zip(KEYS, values, strict=True) if value is not None}
        if all(one.holds(tried) for one in keep) and not any(one.matches(tried) for one in avoided):
            counts.append(changes(labels, tried))
    return min(counts, default=None)


@settings(max_examples=400)
@given(label_sets, selectors, st.lists(requirements, max_size=2))
def test_no_label_set_does_better(labels: dict[str, str], avoided: list[Selector], keep: list[Requirement]) -> None:
    keep = [one for one in keep if one.holds(labels)]
    found, best = escape(labels, avoided, keep), fewest(labels, avoided, keep)
    assert found.certain
    assert (found.labels is None) is (best is None)
    if found.labels is not None:
        assert not any(one.matches(found.labels) for one in avoided)
        assert all(one.holds(found.labels) for one in keep)
        assert changes(labels, found.labels) == best


WEB = {"app": "web", "tier": "front"}


@pytest.mark.parametrize(
    ("avoided", "expected"),
    [
        ([], WEB),
        ([selector()], None),
        ([selector(requirement("app", "In", "web"))], {"tier": "front"}),
        ([selector(requirement("app", "In", "web")), selector(requirement("app", "DoesNotExist"))],
         {"app": NOBODY, "tier": "front"}),
        ([selector(requirement("db", "NotIn", "a", "b"))], {**WEB, "db": "a"}),
        ([selector(requirement("app", "In", "web")), selector(requirement("app", "NotIn", "web"))], None),
        ([selector(requirement("app", "In", "web"), requirement("tier", "Exists")),
          selector(requirement("tier", "Exists"))],
         {"app": "web"}),
        ([selector(requirement("app", "NotIn", NOBODY, "web")), selector(requirement("app", "In", "web"))],
         {"app": NOBODY, "tier": "front"}),
    ],
)  # fmt: skip
def test_what_is_changed(avoided: list[Selector], expected: dict[str, str] | None) -> None:
    assert escape(WEB, avoided).labels == expected


def test_many_policies_are_quick() -> None:
    many = [selector(requirement("app", "In", f"app-{n}"), requirement("tier", "NotIn", "db")) for n in range(2000)]
    many += [selector(requirement("app", "In", "web")), selector(requirement("app", "DoesNotExist"))]
    assert escape(WEB, many).labels == {"app": NOBODY, "tier": "front"}


def test_a_policy_for_each_of_three_hundred_labels_is_evaded() -> None:
    talks = {f"access-{n}": "true" for n in range(300)}
    asking = [selector(requirement(key, "In", "true"), requirement("app", "Exists")) for key in talks]
    found = escape({**WEB, **talks}, [*asking, selector(requirement("app", "DoesNotExist"))])
    assert (found.labels, found.certain) == (WEB, True)


def triples(seed: int, keys: int, policies: int) -> tuple[dict[str, str], list[Selector]]:
    """A pod with many labels, and policies that select it by three of them each, drawn at random."""
    drawn, labels = Random(seed), {f"key-{n}": "true" for n in range(keys)}  # noqa: S311 - no secret
    chosen = [drawn.sample(sorted(labels), 3) for _ in range(policies)]
    return labels, [selector(*(requirement(key, "In", "true") for key in three)) for three in chosen]


@pytest.mark.parametrize("seed", range(5))
def test_the_fewest_of_thirty_labels_evade_a_hundred_policies_that_each_need_three(seed: int) -> None:
    labels, many = triples(seed, 30, 100)
    found = escape(labels, many)
    assert found.certain
    assert found.labels is not None
    assert not any(one.matches(found.labels) for one in many)
    bits = {key: 1 << n for n, key in enumerate(labels)}
    asked = [sum(bits[term.key] for term in one.requirements) for one in many]
    fewer = changes(labels, found.labels) - 1
    assert not any(all(taken & one for one in asked) for taken in map(sum, combinations(bits.values(), min(fewer, 4))))


def test_labels_are_found_where_the_fewest_are_not() -> None:
    labels, many = triples(0, 200, 2000)
    found = escape(labels, many, patience=Patience(20_000))
    assert found.labels is not None
    assert not any(one.matches(found.labels) for one in many)
    assert not found.certain


def holes(pigeons: int, places: int) -> list[Selector]:
    """To evade all of them each pigeon has to have a place, and no two the same."""
    names = [f"place-{n}" for n in range(places)]
    keys = [f"pigeon-{n}" for n in range(pigeons)]
    homeless = [selector(requirement(key, "NotIn", *names)) for key in keys]
    pairs = [(name, pair) for name in names for pair in combinations(keys, 2)]
    return homeless + [selector(*(requirement(key, "In", name) for key in pair)) for name, pair in pairs]


def test_a_search_too_long_is_given_up_and_says_so() -> None:
    assert escape({}, holes(4, 4)).labels is not None
    assert escape({}, holes(4, 3)) == Escape(None, certain=True)
    patience = Patience(50_000)
    assert escape({}, holes(9, 8), patience=patience) == Escape(None, certain=False)
    while patience.steps:
        escape({}, holes(9, 8), patience=patience)
    assert escape(WEB, [selector(requirement("app", "In", "web"))], patience=patience) == Escape(None, certain=False)


def test_no_label_is_put_on_that_no_object_may_bear() -> None:
    for named in ("not valid!", "x" * 64, "-"):
        assert escape(WEB, [selector(requirement("app", "NotIn", named))]).labels is None
    assert escape({}, [selector(requirement("a/b/c", "DoesNotExist"))]).labels is None
    assert escape({}, [selector(requirement("a.b/c", "DoesNotExist"))]).labels == {"a.b/c": NOBODY}
