"""Annotations set for a while come back as they were, whatever others do meanwhile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from irkit.contain.preserve import asides

WANTED = {"a": "true", "b": "false"}
NOTES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["true", "false", "", "x"]), max_size=4)


@given(NOTES)
def test_what_was_comes_back(notes: dict[str, str]) -> None:
    once = asides.put(notes, WANTED)
    assert once.items() >= WANTED.items()
    assert asides.put(once, WANTED) == once
    assert asides.put_back(once, WANTED) == notes
    assert asides.put_back(notes, WANTED) == notes


@given(NOTES, NOTES)
def test_what_others_change_meanwhile_is_theirs(notes: dict[str, str], changed: dict[str, str]) -> None:
    changed = {key: value for key, value in changed.items() if WANTED.get(key) != value}
    back = asides.put_back({**asides.put(notes, WANTED), **changed}, WANTED)
    assert back == {**notes, **changed}


def test_an_altered_memory_gives_nothing_back() -> None:
    for text in ("no JSON", "[]", '{"a": 7}'):
        assert asides.put_back({**WANTED, "c": "x", asides.MEMORY: text}, WANTED) == {"c": "x"}
