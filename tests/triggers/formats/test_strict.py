"""JSON that two readers could take for two things is refused, and refused cheaply."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.model.alert import BadAlert
from irkit.triggers.formats.reading.strict import DEPTH, read

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert read(json.dumps(value).encode()) == value
    assert read(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"b": {"a": 1, "\\u0061": 2}}', "twice"),
        (b'{"a": NaN}', "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "too large"),
        (b"[" + b"9" * 5000 + b"]", "not JSON"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'"\xff"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b'"' + b"x" * (1 << 20) + b'"', "larger"),
    ],
)
def test_refused(body: bytes, why: str) -> None:
    with pytest.raises(BadAlert, match=why):
        read(body)


def test_brackets_within_strings_are_no_depth() -> None:
    assert read(b'["' + b"[{" * 100 + b'\\"[["]') == ["[{" * 100 + '"[[']
    assert read(b"[" * DEPTH + b"]" * DEPTH)


@pytest.mark.parametrize("body", [b'"' * (1 << 20), b'"\\' * (1 << 19), b"[]" * (1 << 19), b'"a\\"' * (1 << 18)])
def test_a_body_at_the_cap_is_refused(body: bytes) -> None:
    with pytest.raises(BadAlert):
        read(body)
