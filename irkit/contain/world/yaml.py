"""YAML as the API server's tools read it (sigs.k8s.io/yaml, which is goyaml.v2): what `yes`, `012` and a date are.

libyaml, of which goyaml is a port, reads the text, many times as fast as a reader in Python.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

MAX_DEPTH = 100  # of collections in collections
_SPARE = 100_000  # nodes that aliases may stand for in any document, however small
_PLAIN = "!plain"  # a scalar without quotes and tag
_MERGE = "tag:yaml.org,2002:merge"
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_WHOLE = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]{1,32}|0[oO]?[0-7]{1,22}|0[bB][01]{1,64}|0|[1-9][0-9]{0,18})", re.ASCII)
_OCTAL = re.compile(r"([-+]?)0[oO]?([0-7]+)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)


def documents(data: bytes) -> list[Any]:
    """Each document; raises yaml.YAMLError, and ValueError and RecursionError for what unfolds or nests too far."""
    _shallow(data)
    return list(yaml.load_all(data, Loader=_Reader))


def _shallow(data: bytes) -> None:
    """Raise ValueError for what nests deep: libyaml's composer takes a piece of the process's stack for each level."""
    depth = 0
    event: Any
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError(f"line {event.start_mark.line + 1}: nested deeper than {MAX_DEPTH} levels")


class _Reader(yaml.CSafeLoader):
    """libyaml's parser and PyYAML's safe constructors, with goyaml's meaning of plain scalars."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # noqa: ANN401 - as it is there
        if kind is yaml.ScalarNode and implicit[0]:
            return _MERGE if value == "<<" else _PLAIN
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def construct_document(self, node: Any) -> Any:  # noqa: ANN401
        sizes: dict[int, int | None] = {}
        if _size(node, sizes) > _SPARE + 10 * len(sizes):
            raise ValueError("its aliases unfold to many times its size")
        return super().construct_document(node)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401
        return {_key(key): value for key, value in super().construct_mapping(node, deep).items()}


def _size(node: Any, sizes: dict[int, int | None]) -> int:  # noqa: ANN401
    """How many nodes it stands for, aliases followed; `sizes` holds those seen, None for one that is begun."""
    if id(node) in sizes:
        known = sizes[id(node)]
        if known is None:
            raise ValueError(f"line {node.start_mark.line + 1}: it holds itself")
        return known
    sizes[id(node)] = None
    below = 0 if isinstance(node, yaml.ScalarNode) else sum(_size(one, sizes) for one in _below(node))
    sizes[id(node)] = below + 1
    return below + 1


def _below(node: Any) -> Iterator[Any]:  # noqa: ANN401
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
        return
    seen = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
            if key.value in seen:
                raise ValueError(f"line {key.start_mark.line + 1}: the key {key.value!r} is there twice")
            seen.add(key.value)
        yield key
        yield value


def _key(key: Any) -> Any:  # noqa: ANN401
    """As JSON has it, which knows keys that are text."""
    if isinstance(key, bool):
        return str(key).lower()
    return str(key) if isinstance(key, int | float) else key


def _plain(_: yaml.CSafeLoader, node: yaml.ScalarNode) -> Any:  # noqa: ANN401
    text = str(node.value)
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        return _number(text.replace("_", ""), text)
    return text


def _number(digits: str, text: str) -> int | float | str:
    """The number, if it is one: a whole one is an int, as it is in JSON; a date is text there."""
    if _WHOLE.fullmatch(digits):
        octal = _OCTAL.fullmatch(digits)
        return int(octal.expand(r"\1\2"), 8) if octal else int(digits, 0)
    if not _FLOAT.fullmatch(digits):
        return text
    number = float(digits)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


_Reader.add_constructor(_PLAIN, _plain)
