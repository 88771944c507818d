"""What users write as a pattern: it means what Python says, and no text holds it up."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.pattern import BadPattern, beginner, finder, whole
from tests.hostile import PLACES

ATOMS = (
    *("a", "b", "K", "1", "_", "é", "ß", ".", r"\n", r"\x41", r"\w", r"\W", r"\d", r"\D", r"\s", r"\S"),
    *(
        "[^a]",
        "[ab]",
        "[a-c]",
        r"[^\W_]",
        r"[\Wb]",
        r"[^\s\d]",
        "^",
        r"\A",
        r"\Z",
        "(?m:^)",
        "(?m:$)",
        "(?s:.)",
        "(?a:\\w)",
    ),
)
PATTERNS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(("*", "+", "?", "{2}", "{,2}", "{1,3}", "*?"))).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)
TEXTS = st.text(st.sampled_from("abkK1_ é\n\nAß\u2003Ω²-"), max_size=6)


@given(PATTERNS, TEXTS, st.sampled_from(("", "(?i)", "(?m)", "(?s)")), st.sampled_from(("", "$")))
def test_it_means_what_python_says(pattern: str, text: str, flags: str, end: str) -> None:
    if flags == "(?i)" and "(?a:" in pattern:
        return
    said = f"{flags}(?:{pattern}){end}"
    assert finder(said)(text) is (re.search(said, text) is not None)
    assert whole(said)(text) is (re.fullmatch(said, text) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "found", "all_of_it"),
    [
        ("b", "abc", True, False),
        ("b$", "ab\n", True, False),
        (r"b\Z", "ab\n", False, False),
        ("ab", "ab\n", True, False),
        ("(?x) a b  # both", "ab", True, True),
        ("(?i)É", "é", True, True),
        (r"(?P<who>\w+):", "jörg:", True, True),
        (r"\bdef\b", "abc def", True, False),
        ("a|", "b", True, False),
        ("a.c", "a\ud800c", True, True),  # half a surrogate pair: JSON can say it
        (r"[\w.-]{1,253}", "web-0.shop", True, True),
    ],
)
def test_search_and_full_match(pattern: str, text: str, found: bool, all_of_it: bool) -> None:
    assert finder(pattern)(text) is found
    assert whole(pattern)(text) is all_of_it


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (r"(a)\1", "a backreference"),
        (r"(?P<x>a)(?P=x)", "a backreference"),
        (r"(a)?(?(1)b|c)", "a group that hangs on another"),
        ("a(?=b)", "a lookahead or lookbehind"),
        ("(?<=b)a", "a lookahead or lookbehind"),
        ("a(?!b)", "a negative lookahead"),
        ("(?<!b)a", "a negative lookahead"),
        ("(?>a)", "an atomic group"),
        ("a++", "a possessive repetition"),
        ("a$b", "a $ that is not at the end"),
        ("(a$)*", "a $ that is not at the end"),
        ("(?ai)a", "the flags a and i"),
        ("a{1001}", "invalid repetition size"),
        (r"\w{1000}" * 4, "too large"),
        ("[[a]", "nested set"),
    ],
)
def test_what_needs_more_than_one_reading_is_refused_by_name_with_a_remedy(pattern: str, says: str) -> None:
    for reading in (finder, whole):
        with pytest.raises(BadPattern, match=re.escape(says)) as caught:
            reading(pattern)
        assert caught.value.remedy or says == "nested set"


@pytest.mark.parametrize("pattern", ["[", "(", "*a", "a{9999999999}", r"\p{L}", "(" * 5000, "[z-a]"])
def test_what_is_no_pattern_is_said(pattern: str) -> None:
    for reading in (finder, whole):
        with pytest.raises(BadPattern):
            reading(pattern)


def test_go_patterns_begin_a_text() -> None:
    assert beginner(r"io\.cilium")("io.cilium.k8s")
    assert not beginner("cilium")("io.cilium.k8s")
    with pytest.raises(BadPattern):
        beginner("(?=a)")


@pytest.mark.parametrize("place", PLACES)
def test_no_text_holds_up(place: str) -> None:
    subprocess.run([sys.executable, "-m", "tests.hostile", place], check=True, timeout=120)
