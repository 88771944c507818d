"""A filter against an event, in three values: a body that the audit level did not log is unknown, never false."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from operator import ge, gt, le, lt
from typing import Any

from irkit.audit.filter import grammar
from irkit.audit.read.event import TRUNCATED, instant
from irkit.pattern import finder

# Which levels log which body (k8s.io/apiserver audit/v1 types.go).
_LOGGED = {"requestObject": ("Request", "RequestResponse"), "responseObject": ("RequestResponse",)}
_PLAIN = re.compile(r"[A-Za-z0-9._:@-]{4,}")  # shorter ones stand in nearly every line
_ORDER: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def holds(tree: grammar.Filter, event: dict[str, Any]) -> bool | None:
    """Whether the event passes; None where that hangs on a body that was not logged."""
    match tree:
        case grammar.Not(inner):
            verdict = holds(inner, event)
            return None if verdict is None else not verdict
        case grammar.All(parts):
            verdicts = [holds(part, event) for part in parts]
            return False if False in verdicts else None if None in verdicts else True
        case grammar.Any(parts):
            verdicts = [holds(part, event) for part in parts]
            return True if True in verdicts else None if None in verdicts else False
        case grammar.Test():
            return _test(tree, event)


def required(tree: grammar.Filter) -> tuple[bytes, ...]:
    """Texts of which every passing line holds one; empty where no such texts follow from the filter.

    Only for fields that the server writes, and only texts that no JSON writer escapes.
    """
    match tree:
        case grammar.Test(path, "=", values) if path[0] not in _LOGGED and all(map(_PLAIN.fullmatch, values)):
            return tuple(map(_needle, values))
        case grammar.All(parts):
            return max(map(required, parts), key=lambda needles: min(map(len, needles), default=0) - 4 * len(needles))
        case grammar.Any(parts):
            each = [required(part) for part in parts]
            return tuple({needle for needles in each for needle in needles}) if all(each) else ()
        case _:
            return ()


def _needle(value: str) -> bytes:
    """How a JSON value begins that reads so: as a text, unless it may be a number or a word of JSON's own."""
    try:
        float(value)
    except ValueError:
        return (value if value in ("true", "false", "null") else f'"{value}').encode()
    return value.encode()


def _test(test: grammar.Test, event: dict[str, Any]) -> bool | None:
    if test.path[0] in _LOGGED and test.path[0] not in event and _left_out(test.path[0], event):
        return None
    found = list(_values(event, test.path))
    if not test.op:
        return bool(found)
    return any(_compare(test.op, value, wanted) for value in found for wanted in test.values)


def _left_out(body: str, event: dict[str, Any]) -> bool:
    """Whether there may have been a body: the level does not log it, or it was too large."""
    notes = event.get("annotations")
    truncated = isinstance(notes, dict) and notes.get(TRUNCATED) == "true"
    return truncated or event.get("level") not in _LOGGED[body]


def _values(found: Any, path: tuple[str, ...]) -> Iterator[Any]:  # noqa: ANN401 - JSON of any shape
    if isinstance(found, list):
        for item in found:
            yield from _values(item, path)
    elif not path:
        yield found
    elif isinstance(found, dict) and path[0] in found:
        yield from _values(found[path[0]], path[1:])


def _compare(op: str, value: Any, wanted: str) -> bool:  # noqa: ANN401 - JSON of any shape
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if op == "=":
        return text == wanted
    if op == "~":
        return finder(wanted)(text)
    if op == "cidr":
        return _within(text, wanted)
    left, right = _ordered(text), _ordered(wanted)
    return left is not None and type(left) is type(right) and _ORDER[op](left, right)


def _within(text: str, network: str) -> bool:
    try:
        return ip_address(text) in ip_network(network)
    except ValueError:
        return False


def _ordered(text: str) -> Any:  # noqa: ANN401 - a number or an instant; None for neither
    return int(text) if grammar.NUMBER.fullmatch(text) else instant(text)
