"""Audit events inside something else: EventList documents, arrays, log services' wrappings. Out come plain events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from irkit.audit.read import gke
from irkit.audit.read.event import decode, whole

# Where log services put the event as a JSON text: AKS diagnostic settings, Azure legacy, CloudWatch Logs, Insights.
_TEXT = (("properties", "log"), ("log_s",), ("message",), ("@message",), ("log",))
_LISTS = ("items", "events", "Records", "records")
_DEPTH = 4  # a list of records of texts of lists: nobody wraps deeper


class _List(msgspec.Struct):
    """An audit.k8s.io EventList; its items keep their bytes."""

    items: list[msgspec.Raw]


_LIST: msgspec.json.Decoder[_List | list[msgspec.Raw]] = msgspec.json.Decoder(_List | list[msgspec.Raw])


def expand(text: bytes) -> list[bytes]:
    """The audit events in one JSON text, each on one line; empty where there is none."""
    if decode(text) is not None:
        return [_one_line(text)]
    return _items(text) or list(_events(whole(text), _DEPTH))


def _one_line(text: bytes) -> bytes:
    return msgspec.json.format(text, indent=-1) if b"\n" in text else text


def _items(text: bytes) -> list[bytes]:
    try:
        found = _LIST.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    items = found if isinstance(found, list) else found.items
    return [_one_line(bytes(item)) for item in items if decode(bytes(item)) is not None]


def _events(found: Any, depth: int) -> Iterator[bytes]:  # noqa: ANN401 - JSON of any shape
    if depth == 0 or not isinstance(found, (dict, list)):
        return
    if isinstance(found, dict):
        encoded = msgspec.json.encode(gke.event(found) or found)
        if decode(encoded) is not None:
            yield encoded
            return
    for inner in found if isinstance(found, list) else _inside(found):
        yield from _events(inner, depth - 1)


def _inside(found: dict[str, Any]) -> Iterator[Any]:
    for key in _LISTS:
        if isinstance(found.get(key), list):
            yield found[key]
    for path in _TEXT:
        value: Any = found
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        yield whole(value.encode("utf-8", "replace")) if isinstance(value, str) else value
