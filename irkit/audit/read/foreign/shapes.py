"""Audit events inside something else: EventList documents, arrays, log services' wrappings. Out come plain events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from irkit.audit.read.event import BROKEN, decode, whole
from irkit.audit.read.foreign import aks, gke

# Where log services put the event, as a JSON text or as it is: AKS diagnostic settings, Azure legacy, CloudWatch Logs,
# Insights, container logs; the journal, Splunk as it was sent and as exported, Elasticsearch, Loki.
_WITHIN = (
    *(("properties", "log"), ("log_s",), ("message",), ("@message",), ("log",)),
    *(("MESSAGE",), ("event",), ("_raw",), ("result", "_raw"), ("_source",), ("kubernetes", "audit"), ("line",)),
)
_LISTS = (
    *(("items",), ("events",), ("logEvents",), ("Records",), ("records",), ("value",)),
    *(("results",), ("hits", "hits"), ("streams",), ("data", "result"), ("values",)),
)
_PREFIX = 512  # bytes that may stand before an event
_DEPTH = 6  # lists of streams of lists of pairs in Loki's answer: nobody wraps deeper


class _List(msgspec.Struct):
    """An audit.k8s.io EventList; its items keep their bytes."""

    items: list[msgspec.Raw]


_LIST: msgspec.json.Decoder[_List | list[msgspec.Raw]] = msgspec.json.Decoder(_List | list[msgspec.Raw])


def expand(text: bytes) -> list[bytes]:
    """The audit events in one JSON text, each on one line; empty where there is none.

    Something may stand before the text: `oc adm node-logs` puts the node there, an export of CloudWatch Logs a time.
    """
    text = text[_begin(text) :]
    if decode(text) is not None:
        return [_one_line(text)]
    return _items(text) or list(_events(whole(text), _DEPTH))


def legible(text: bytes) -> bool:
    """Whether `text` is JSON, whatever stands in it or before it: other logs are written to the same places."""
    return whole(text[_begin(text) :]) is not None


def _begin(text: bytes) -> int:
    """Where the first JSON object begins that may be an event or hold some; 0 for all else."""
    if text[:1] in (b"{", b"["):
        return 0
    return max(text.find(b"{", 0, _PREFIX), 0)


def _one_line(text: bytes) -> bytes:
    """What only a lenient reader takes cannot be laid out anew; its line breaks stand between tokens, as blanks may."""
    try:
        return msgspec.json.format(text, indent=-1) if b"\n" in text else text
    except BROKEN:
        return text.replace(b"\n", b" ")


def _items(text: bytes) -> list[bytes]:
    try:
        found = _LIST.decode(text)
    except BROKEN:
        return []
    items = found if isinstance(found, list) else found.items
    events = [_one_line(bytes(item)) for item in items if decode(bytes(item)) is not None]
    # Rows of other kinds stand in arrays; what is no event in an EventList is damaged, and has to be counted.
    return [_one_line(bytes(item)) for item in items] if events and isinstance(found, _List) else events


def _events(found: Any, depth: int) -> Iterator[bytes]:  # noqa: ANN401 - JSON of any shape
    if isinstance(found, str):
        found = whole(found.encode("utf-8", "replace"))
    if depth == 0 or not isinstance(found, (dict, list)):
        return
    if isinstance(found, dict):
        encoded = msgspec.json.encode(gke.event(found) or aks.event(found) or found)
        if decode(encoded) is not None:
            yield encoded
            return
    for inner in found if isinstance(found, list) else _inside(found):
        yield from _events(inner, depth - 1)


def _inside(found: dict[str, Any]) -> Iterator[Any]:
    yield from (value for path in _LISTS if isinstance(value := _at(found, path), list))
    yield list(aks.rows(found))
    yield from (_at(found, path) for path in _WITHIN)


def _at(found: Any, path: Iterable[str]) -> Any:  # noqa: ANN401 - JSON of any shape
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found
