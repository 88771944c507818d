"""Who changed what, and when: the fields that each manager of an object owns.

An object tells of every field only who set it last (metadata.managedFields): an edit by hand stands out beside
controllers, but what a later writer overwrote is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from irkit.cluster.protocol import Json

MOST = 500  # fields of one change that are named
DEPTH = 40  # of one field's path


def changes(objects: Iterable[Json]) -> list[Json]:
    """One row per manager and operation of each object, oldest first; an undated one stands first.

    `{at, manager, operation, subresource, object, fields, more}`: `fields` such as
    `spec.containers[name=app].image`, the first 500 of them, and `more`, how many there are beyond.
    """
    rows = [row for each in objects for row in _rows(each)]
    return sorted(rows, key=lambda row: str(row["at"]))


def _rows(thing: Json) -> Iterator[Json]:
    metadata = thing.get("metadata") or {}
    for entry in metadata.get("managedFields") or ():
        paths = _paths(entry.get("fieldsV1"), "", DEPTH)
        named = list(islice(paths, MOST))
        yield {
            "at": entry.get("time") or "",
            "manager": entry.get("manager", ""),
            "operation": entry.get("operation", ""),
            "subresource": entry.get("subresource", ""),
            "object": f"{thing.get('kind')}/{metadata.get('name')}",
            "fields": named,
            "more": sum(1 for _ in paths),
        }


def _paths(fields: Any, path: str, depth: int) -> Iterator[str]:  # noqa: ANN401 - hostile JSON
    """The leaves of a FieldsV1 set (structured-merge-diff): "f:" field, "k:" key, "v:" value, "." the thing itself."""
    inner = {key: below for key, below in fields.items() if key != "."} if isinstance(fields, dict) else {}
    if not inner or not depth:
        yield path
        return
    for key, below in inner.items():
        yield from _paths(below, _step(path, key), depth - 1)


def _step(path: str, key: str) -> str:
    kind, _, rest = key.partition(":")
    if kind == "f":
        return f"{path}.{rest}" if path else rest
    return f"{path}[{_key(rest)}]" if kind == "k" else f"{path}[{rest}]"


def _key(text: str) -> str:
    """`{"name":"app"}` as `name=app`."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return ",".join(f"{name}={value}" for name, value in parsed.items()) if isinstance(parsed, dict) else text
