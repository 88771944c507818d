"""How data misses the shape of a struct: every key by itself, so that one pass finds every problem."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from irkit.playbook.language.yaml import Path

Found = tuple[Path, str]

_WHERE = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_PART = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def misfits(
    data: object, kind: type[Struct], *, apart: Mapping[str, type] = {}, given: Collection[str] = ()
) -> Iterator[Found]:
    """Paths and problems of `data` as a `kind`.

    `apart`: keys looked into elsewhere, of which only dict or list is asked here; `given`: keys that are there, with
    a value not known yet.
    """
    if not isinstance(data, dict):
        yield (), f"a mapping is expected, not {_name(data)}"
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key in [*data, *(key for key in given if key not in data)]:
        if key not in fields:
            yield (key,), f"unknown key {key!r}; the keys: {', '.join(fields) or 'none'}"
    for key, field in fields.items():
        if key in apart and not isinstance(data.get(key, apart[key]()), apart[key]):
            yield (key,), f"a {'mapping' if apart[key] is dict else 'list'} is expected"
        elif key in data and key not in apart:
            yield from _value(key, data[key], field.type)
        elif field.required and key not in data and key not in given:
            yield (), f"missing key {key!r}"


def _value(key: str, value: object, kind: Any) -> Iterator[Found]:  # noqa: ANN401 - any type
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        rest, message = split(str(error))
        allowed = get_args(kind) if get_origin(kind) is Literal else ()
        one_of = f"; one of {', '.join(map(str, allowed))}" if allowed else ""
        yield (key, *rest), f"{key}: {message}{one_of}"


def split(message: str) -> tuple[Path, str]:
    """The path and the words of a msgspec message."""
    found = _WHERE.search(message)
    if not found:
        return (), message
    path = [name or int(index) for name, index in _PART.findall(found[1]) if name or index]
    return path, message[: found.start()]


def _name(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
