"""YAML as `kubectl apply` reads it: https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from irkit.contain.world.yaml import documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, True) for word in ("y", "yes", "On", "true", "TRUE")),
        *((word, False) for word in ("n", "no", "OFF", "false")),
        *((word, None) for word in ("", "~", "null")),
        *(("012", 10), ("0o12", 10), ("-012", -10), ("0x1F", 31), ("0b101", 5), ("8_080", 8080), ("+1", 1), ("0", 0)),
        *(("08", 8), ("1.5", 1.5), ("8e1", 80), (".5", 0.5), ("1e999", float("inf")), (".inf", float("inf"))),
        *((word, word) for word in ("yES", "1:30", "2001-12-14", "1.2.3", "10.0.0.0/8", "0xg", "1e", "=", "+", "x")),
        *(('"yes"', "yes"), ("'012'", "012"), ("!!str 012", "012"), ('!!int "12"', 12)),
        ("{80: a, yes: b, ~: c, 1.5: d}", {"80": "a", "true": "b", None: "c", "1.5": "d"}),
        ("{<<: {a: 1, b: 2}, a: 3}", {"a": 3, "b": 2}),
        ("[&a {x: 1}, *a, {<<: *a, y: 2}]", [{"x": 1}, {"x": 1}, {"x": 1, "true": 2}]),
    ],
)
def test_values(text: str, value: Any) -> None:  # noqa: ANN401
    (found,) = documents(f"k: {text}\n".encode())
    assert found == {"k": value} and repr(found) == repr({"k": value})


def test_documents() -> None:
    assert documents(b"a: 1\n---\n---\nb: 2\n") == [{"a": 1}, None, {"b": 2}]
    assert documents("\ufeffa: é".encode("utf-16-le")) == [{"a": "é"}]


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
)
MERGES = "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 8))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LAUGHS, "unfold"),
        (MERGES, "unfold"),
        ("a: &a [*a]", "holds itself"),
        ("a: &a {b: {<<: *a}}", "holds itself"),
        ("[" * 200_000, "nested deeper than 100"),
        ("- " * 200_000, "nested deeper than 100"),
        ("a: &x0 [1]\n" + "".join(f"b{n}: &x{n} [*x{n - 1}]\n" for n in range(1, 5000)), "unfold"),
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' is there twice"),
        ("a: {b: 1, 'b': 2}", "twice"),
    ],
)
def test_what_unfolds_or_nests_without_end_or_says_two_things_is_refused(text: str, says: str) -> None:
    with pytest.raises((ValueError, RecursionError), match=says):
        documents(text.encode())


@pytest.mark.parametrize("text", ["a: [", "a: *nobody", "!!python/object:os.system x", "\x00", "a: b: c", "{[1]: x}"])
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        documents(text.encode())
