"""Sets of fields, as `managedFields` writes them (FieldsV1)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from irkit.drill.range.answer import Json
from irkit.drill.range.kinds.types import ANY, Type, decode

Path = tuple[str, ...]
Fields = dict[Path, Any]  # path -> value; HERE for a container that is owned as such

HERE = object()
# Never owned by anyone: what names an object, and what the API server writes itself.
_SYSTEM = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields",
           "selfLink", "generateName", "deletionTimestamp", "deletionGracePeriodSeconds")  # fmt: skip
# Lists that an object always has: as such they are nobody's.
_ALWAYS = ("f:containers",)
_NOBODYS = {("f:apiVersion",), ("f:kind",), *(("f:metadata", f"f:{name}") for name in _SYSTEM)}


def fields(kind: Type, obj: Json, *, containers: bool) -> Fields:
    """The fields that `obj` sets; with `containers`, maps are fields too (as in an update, not in an apply)."""
    return {
        path: value
        for path, value in _walk(kind, obj, (), containers)
        if path and path[:1] not in _NOBODYS and path[:2] not in _NOBODYS
    }


def _walk(kind: Type, value: Any, path: Path, containers: bool) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401 - JSON
    if isinstance(value, dict) and value and not kind.atomic:
        if containers and kind.shape == "map":
            yield path, HERE
        for key, each in value.items():
            yield from _walk(kind.of(key) or ANY, each, (*path, f"f:{key}"), containers)
    elif isinstance(value, list) and kind.shape == "list" and kind.unique:
        if containers:
            yield path, HERE
        yield from (((*path, f"v:{json.dumps(each)}"), each) for each in value)
    elif isinstance(value, list) and kind.shape == "list" and kind.keys:
        if containers and path[-1] not in _ALWAYS:
            yield path, HERE
        for each in value:
            here = (*path, element(kind, each))
            yield here, HERE
            yield from _walk(decode(kind.item), each, here, containers)
    else:
        yield path, value


def element(kind: Type, item: Json) -> str:
    """How the item of a keyed list is named: `k:{"name":"web"}`."""
    keys = {key: item.get(key, "TCP" if key == "protocol" else None) for key in sorted(kind.keys)}
    return "k:" + json.dumps({key: value for key, value in keys.items() if value is not None}, separators=(",", ":"))


def encode(paths: Iterator[Path] | set[Path]) -> Json:
    """FieldsV1 of a set of paths."""
    tree: Json = {}
    listed = sorted(paths)
    parents = {path[:length] for path in listed for length in range(1, len(path))}
    for path in listed:
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        if path in parents:
            node["."] = {}
    return tree


def decode_set(tree: Json, path: Path = ()) -> set[Path]:
    """The set of paths that a FieldsV1 names."""
    if not tree:
        return {path} if path else set()
    found: set[Path] = set()
    for part, inner in tree.items():
        found |= {path} if part == "." else decode_set(inner, (*path, part))
    return found


def shown(path: Path) -> str:
    """A path as a conflict names it: `.spec.containers[name="web"].image`."""
    return "".join(_shown(part) for part in path)


def _shown(part: str) -> str:
    mark, _, rest = part.partition(":")
    if mark == "f":
        return f".{rest}"
    if mark == "v":
        return f"[={rest}]"
    keys = json.loads(rest)
    return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"


def remove(kind: Type, obj: Any, path: Path) -> None:  # noqa: ANN401 - JSON
    """Take the field at `path` out of `obj`, in place; nothing happens where it is not."""
    part, rest = path[0], path[1:]
    if part.startswith("f:") and isinstance(obj, dict):
        key = part[2:]
        if not rest:
            obj.pop(key, None)
        elif key in obj:
            remove(kind.of(key) or ANY, obj[key], rest)
    elif isinstance(obj, list):
        index = next((at for at, each in enumerate(obj) if _named(kind, each) == part), None)
        if index is not None and rest:
            remove(decode(kind.item), obj[index], rest)
        elif index is not None:
            del obj[index]


def _named(kind: Type, each: Any) -> str:  # noqa: ANN401 - JSON
    return element(kind, each) if kind.keys and isinstance(each, dict) else f"v:{json.dumps(each)}"
