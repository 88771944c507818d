"""What a condition means: its types before the run, its truth during it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from irkit.playbook.language.condition import METHODS, BadCondition, Call, Items, Name, Node, Value, parse

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value: "string", "number", "bool" or "list" (of strings); `one_of` where the set is closed."""

    name: str
    one_of: tuple[str, ...] = ()


STRING, NUMBER, BOOL, LIST = Kind("string"), Kind("number"), Kind("bool"), Kind("list")
Names = Mapping[str, Kind]


def check(text: str, names: Names) -> None:
    """Raise BadCondition unless `text` is a condition over `names` and its types fit."""
    if _kind(parse(text), names).name != "bool":
        raise BadCondition("it is neither true nor false: compare it with something")


def holds(text: str, values: Mapping[str, Any]) -> bool:
    """Whether a checked condition holds; raises BadCondition for a name without a value."""
    return bool(_value(parse(text), values))


def _kind(node: Node, names: Names) -> Kind:
    match node:
        case Value(value):
            return BOOL if isinstance(value, bool) else STRING if isinstance(value, str) else NUMBER
        case Name(path):
            if path not in names:
                raise BadCondition(f"no such name: {path}; known are {', '.join(sorted(names))}")
            return names[path]
        case Items(items):
            if any(_kind(item, names).name != "string" for item in items):
                raise BadCondition("a list holds texts")
            return LIST
        case Call(op, parts):
            return _of_call(op, parts, names)


def _of_call(op: str, parts: tuple[Node, ...], names: Names) -> Kind:
    kinds = [_kind(part, names) for part in parts]
    told = " and ".join(kind.name for kind in kinds)
    match op:
        case "size" if kinds[0].name in ("string", "list"):
            return NUMBER
        case "&&" | "||" | "!" if all(kind.name == "bool" for kind in kinds):
            return BOOL
        case "in" if told == "string and list":
            _closed(kinds[0], parts[1].items if isinstance(parts[1], Items) else ())
            return BOOL
        case "==" | "!=" if kinds[0].name == kinds[1].name:
            _closed(kinds[0], parts[1:])
            _closed(kinds[1], parts[:1])
            return BOOL
        case "<" | "<=" | ">" | ">=" if told in ("number and number", "string and string"):
            return BOOL
        case _ if op in METHODS and told == "string and string":
            return BOOL
    raise BadCondition(f"{op} does not take {told}")


def _closed(kind: Kind, others: tuple[Node, ...]) -> None:
    """A text that the other side can never have is a slip of the pen."""
    for other in others:
        if kind.one_of and isinstance(other, Value) and other.value not in kind.one_of:
            raise BadCondition(f"it is never {other.value!r}; one of {', '.join(kind.one_of)}")


def _value(node: Node, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the kind checked before
    match node:
        case Value(value):
            return value
        case Name(path):
            if path not in values:
                raise BadCondition(f"{path} has no value")
            return values[path]
        case Items(items):
            return [_value(item, values) for item in items]
        case Call("&&", parts):
            return all(_value(part, values) for part in parts)
        case Call("||", parts):
            return any(_value(part, values) for part in parts)
        case Call(op, parts):
            return _applied(op, [_value(part, values) for part in parts])


def _applied(op: str, given: list[Any]) -> Any:  # noqa: ANN401 - of the kind checked before
    match op:
        case "!":
            return not given[0]
        case "size":
            return len(given[0])
        case "in":
            return given[0] in given[1]
        case "startsWith":
            return given[0].startswith(given[1])
        case "endsWith":
            return given[0].endswith(given[1])
        case "contains":
            return given[1] in given[0]
        case _:
            return _ORDER[op](*given)
