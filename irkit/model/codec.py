"""Nouns to JSON and back: one strict codec for journals, manifests and reports."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def plain(noun: Any) -> Any:  # noqa: ANN401 - any noun, or any container of nouns
    """`noun` as JSON-ready dicts, lists and strings; instants in RFC 3339, paths as text."""
    return msgspec.to_builtins(noun, enc_hook=_plain)


def _plain(noun: object) -> Any:  # noqa: ANN401 - JSON of any shape
    return msgspec.json.decode(noun) if isinstance(noun, msgspec.Raw) else str(noun)


def parsed(data: bytes) -> Any:  # noqa: ANN401 - JSON of any shape
    """The JSON in `data`, exactly as `json.loads` reads it, in a third of the time; raises ValueError, RecursionError.

    What msgspec refuses may still be what Python takes for JSON: half of a surrogate pair, NaN, a byte order mark.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return json.loads(data)


def build(kind: type[T], data: Any) -> T:  # noqa: ANN401 - JSON of any shape
    """The noun that `plain` made `data` from; raises ValueError where it does not fit."""
    return msgspec.convert(data, kind, strict=False)


def pretty(noun: Any) -> bytes:  # noqa: ANN401 - any noun, or any container of nouns
    """`noun` as indented, key-ordered JSON with a final newline: the same noun gives the same bytes."""
    return msgspec.json.format(compact(noun), indent=2) + b"\n"


def compact(noun: Any) -> bytes:  # noqa: ANN401 - any noun, or any container of nouns
    """`noun` as one line of key-ordered JSON, without a newline."""
    data = plain(noun)
    try:
        return msgspec.json.encode(data, order="sorted")
    except UnicodeEncodeError:
        return msgspec.json.encode(whole(data), order="sorted")


def whole(data: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """`data` with U+FFFD for every half of a surrogate pair: hostile JSON can hold one, UTF-8 cannot."""
    if isinstance(data, str):
        return data.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(data, dict):
        return {whole(key): whole(value) for key, value in data.items()}
    return type(data)(map(whole, data)) if isinstance(data, list | tuple) else data
