r"""Kubernetes' protobuf bodies, which kubectl's `create`, `auth can-i` and `create token` send, as JSON.

A body is the four bytes `k8s\\0` and a message {1: {1: apiVersion, 2: kind}, 2: the object}. Field numbers stand in
types.json behind "@"; "2.6" is field 6 of the message in field 2, whose fields JSON shows one level higher.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from irkit.drill.range.answer import Json, bad_request
from irkit.drill.range.kinds.types import Type, decode, of_kind

MAGIC = b"k8s\x00"

# Go's encoder writes fields that were never set as false or 0; only in these does that mean something.
_MEANT = ("replicas", "automountServiceAccountToken", "gracePeriodSeconds", "allowPrivilegeEscalation", "runAsNonRoot",
          "privileged", "readOnlyRootFilesystem", "runAsUser", "runAsGroup", "immutable", "value")  # fmt: skip

Tree = dict[int, Any]  # field number -> (name, type), or the tree of a message without a name of its own


def parse(raw: bytes) -> Json:
    """The object that a protobuf body holds; raises 400 for one that cannot be read."""
    if not raw.startswith(MAGIC):
        raise bad_request("the protobuf body cannot be read: it does not begin with k8s\\0")
    try:
        envelope = {number: value for number, value in _fields(raw[4:]) if isinstance(value, bytes)}
        named = {number: value.decode() for number, value in _fields(envelope.get(1, b"")) if isinstance(value, bytes)}
        body = _message(_tree(of_kind(named[2])), envelope.get(2, b""))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise bad_request(f"the protobuf body cannot be read: {error}") from error
    return {"apiVersion": named[1], "kind": named[2], **body}


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(raw):
        tag, position = _varint(raw, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(raw, position)
            yield number, value
        elif wire == 2:
            size, position = _varint(raw, position)
            if position + size > len(raw):
                raise ValueError("a field is longer than its message")
            yield number, raw[position : position + size]
            position += size
        else:
            raise ValueError(f"wire type {wire}")


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = raw[position]
        value |= (byte & 127) << shift
        position += 1
        if byte < 128:
            return value, position
        shift += 7
    raise ValueError("a number is too long")


@cache
def _tree(kind: Type) -> Tree:
    tree: Tree = {}
    for name, field in kind.fields.items():
        code, _, path = field.partition("@")
        *outer, last = [int(number) for number in path.split(".") if number] or [0]
        node = tree
        for number in outer:
            node = node.setdefault(number, {})
        node[last] = (name, decode(code))
    return tree


def _message(tree: Tree, raw: bytes) -> Json:
    found: Json = {}
    for number, value in _fields(raw):
        known = tree.get(number)
        if isinstance(known, dict) and isinstance(value, bytes):
            found |= _message(known, value)
        elif isinstance(known, tuple):
            name, kind = known
            _store(found, name, kind, value)
    return {name: value for name, value in found.items() if name in _MEANT or value not in ("", None, 0)}


def _store(found: Json, name: str, kind: Type, value: int | bytes) -> None:
    if kind.shape == "list":
        found.setdefault(name, []).append(_value(decode(kind.item), value))
    elif kind.shape == "map" and isinstance(value, bytes):
        entry = dict(_fields(value))
        found.setdefault(name, {})[_text(entry.get(1, b""))] = _value(decode(kind.item), entry.get(2, b""))
    else:
        found[name] = _value(kind, value)


def _value(kind: Type, value: int | bytes) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, int):
        return bool(value) if kind.shape == "b" else value - (1 << 64) if value >> 63 else value
    if kind.shape == "struct":
        return _message(_tree(kind), value)
    return _READERS.get(kind.code or kind.shape, _text)(value)


def _text(value: int | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _time(raw: bytes) -> str | None:
    numbers = {number: value for number, value in _fields(raw) if isinstance(value, int)}
    seconds = numbers.get(1, 0)
    if not seconds or seconds >> 63:  # Go's zero time: not set
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quantity(raw: bytes) -> str:
    return _text(dict(_fields(raw)).get(1, b""))


def _int_or_string(raw: bytes) -> int | str:
    found = dict(_fields(raw))
    return _text(found.get(3, b"")) if found.get(1) else int(found.get(2, 0))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_READERS: dict[str, Callable[[bytes], Any]] = {
    "t": _time,
    "u": _time,
    "q": _quantity,
    "o": _int_or_string,
    "y": _base64,
    "any": lambda raw: None,
}
