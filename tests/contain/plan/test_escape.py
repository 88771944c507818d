"""The label search against trying every set of labels there is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.contain.plan import escape as module
from irkit.contain.plan.escape import NOBODY, escape
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


def test_a_policy_for_each_of_many_labels_is_evaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", 20_000)
    talks = {f"access-{n}": "true" for n in range(60)}
    found = escape({**WEB, **talks}, [selector(requirement(key, "In", "true")) for key in talks])
    assert found.certain
    assert found.labels == WEB


def test_a_search_too_long_is_given_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", 3)
    hard = [selector(requirement(key, "DoesNotExist")) for key in "abcdefgh"]
    assert escape({}, hard) == module.Escape(None, certain=False)
