"""The types of fields: which exist, how lists merge, what is owned as one (types.json).

The file holds the field names of a real v1.37 OpenAPI description in one line a type: "s" string, "i" integer, "n"
number, "b" boolean, "t" time, "u" time with microseconds, "y" bytes, "q" quantity, "o" integer or string, "*" anything,
"Name" another type, "{T}" a map, "[T]" an atomic list, "[T]key,key" a list keyed by those fields, "[T]=" a set; a
leading "!" is owned as one; "~key" merges (by key) in a strategic merge only, "^" in server-side apply only; "@2.6" is
the field's number on the wire, see wire.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from irkit.drill.range.answer import bad_request

_LIST = re.compile(r"(!?)\[(.*)\](=?)([\w,]*)(?:~(\w*))?(\^?)\Z")
_TEXT: tuple[type, ...] = (str,)
_SCALARS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys("stuy", _TEXT),
    **{"i": (int,), "n": (int, float), "b": (bool,), "q": (str, int, float), "o": (str, int)},
}
_GO = {str: "string", int: "number", float: "number", bool: "bool", list: "array", dict: "object"}


@dataclass(frozen=True)
class Type:
    """How one field behaves. `shape` is "struct", "map", "list", "any", or a scalar's letter."""

    shape: str
    name: str = ""
    atomic: bool = False  # owned as one by server-side apply
    item: str = ""  # the encoded type of a list's or map's values
    keys: tuple[str, ...] = ()  # of the items of a keyed list
    unique: bool = False  # a set
    merges: bool = False  # strategic merge joins the lists
    merge_key: str = ""
    code: str = ""  # of a scalar
    fields: dict[str, str] = field(default_factory=dict, hash=False)

    def of(self, key: str) -> Type | None:
        """The type of the field `key`; None where a struct has no such field."""
        if self.shape == "struct":
            return decode(self.fields[key]) if key in self.fields else None
        return decode(self.item) if self.shape in ("map", "list") else ANY


@cache
def _types() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = json.loads(files(__package__).joinpath("types.json").read_text("utf-8"))
    return loaded


@cache
def decode(code: str) -> Type:
    """The type that a code of types.json stands for."""
    code = code.partition("@")[0]
    if found := _LIST.match(code):
        atomic, item, unique, keys, merge_key, apply_only = found.groups()
        by = tuple(filter(None, keys.split(",")))
        merges = (bool(by) or bool(unique) or merge_key is not None) and not apply_only
        free = not by and not unique
        return Type("list", "", bool(atomic) or free, item, by, bool(unique), merges, merge_key or (*by, "")[0])
    bare = code.removeprefix("!")
    if bare.startswith("{"):
        return Type("map", atomic=bare != code, item=bare[1:-1])
    if bare in _SCALARS:
        return Type(bare, code=bare)
    return Type("struct", bare, bare != code, fields=_types()[bare]) if bare in _types() else ANY


ANY = Type("any")


def of_kind(kind: str) -> Type:
    """The type of whole objects of `kind`."""
    return decode(kind)


def prune(kind: Type, value: Any, unknown: list[str], path: str = "") -> Any:  # noqa: ANN401 - JSON
    """`value` without the fields its type does not have, whose paths go to `unknown`.

    Raises 400 where a value has another type than its field.
    """
    if value is None or kind.shape == "any":
        return value
    _check(kind, value, path)
    if kind.shape == "list":
        item = decode(kind.item)
        return [prune(item, each, unknown, f"{path}[{index}]") for index, each in enumerate(value)]
    if kind.shape == "map":
        item = decode(kind.item)
        return {key: prune(item, each, unknown, f"{path}.{key}") for key, each in value.items()}
    if kind.shape == "struct":
        return dict(_known(kind, value, unknown, path))
    return value


def _known(kind: Type, value: dict[str, Any], unknown: list[str], path: str) -> Iterator[tuple[str, Any]]:
    for key, each in value.items():
        where = f"{path}.{key}".lstrip(".")
        if inner := kind.of(key):
            yield key, prune(inner, each, unknown, where)
        else:
            unknown.append(where)


def _check(kind: Type, value: object, path: str) -> None:
    wanted: tuple[type, ...] = {"list": (list,), "map": (dict,), "struct": (dict,)}.get(kind.shape, ())
    wanted = wanted or _SCALARS[kind.shape]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        got = _GO.get(type(value), "value")
        goal = kind.name or {"list": f"[]{kind.item}", "map": "map[string]string"}.get(kind.shape, _GO[wanted[0]])
        raise bad_request(f"json: cannot unmarshal {got} into Go struct field {path} of type {goal}")
