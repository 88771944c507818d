"""JSON Patch (RFC 6902) as the API server applies it: all of it, or a refusal.

Written here because the six operations are fewer lines than the two packages and the translation of their errors.
"""

from __future__ import annotations

import copy
from typing import Any

from irkit.drill.range.answer import Json, bad_request, unacceptable_patch

_LIMIT = 10_000  # operations, as in the API server


def apply(document: Json, operations: object) -> Json:
    """A new document; raises 400 for what is no patch, 422 for one that does not apply (a failed `test` too)."""
    if not isinstance(operations, list):
        got = "object" if isinstance(operations, dict) else "value"
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {got} into Go value of type []handlers.jsonPatchOp"
        )
    if len(operations) > _LIMIT:
        raise bad_request(f"The allowed maximum operations in a JSON patch is {_LIMIT}, got {len(operations)}")
    result: Any = copy.deepcopy(document)
    for operation in operations:
        try:
            result = _step(result, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise unacceptable_patch() from error
    if not isinstance(result, dict):
        raise unacceptable_patch()
    return result


def _step(document: Any, operation: Json) -> Any:  # noqa: ANN401 - JSON
    name, path = operation["op"], _pointer(operation["path"])
    if name == "test":
        if _read(document, path) != operation.get("value"):
            raise ValueError("test failed")
        return document
    if name in ("move", "copy"):
        source = _pointer(operation["from"])
        value = copy.deepcopy(_read(document, source))
        document = _remove(document, source) if name == "move" else document
        return _add(document, path, value)
    if name == "remove":
        return _remove(document, path)
    if name == "replace":
        _read(document, path)
        return _put(document, path, operation["value"])
    if name == "add":
        return _add(document, path, operation["value"])
    raise ValueError(name)


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(part: str, size: int) -> int:
    if not part.isdecimal() or int(part) >= size:
        raise IndexError(part)
    return int(part)


def _read(document: Any, path: list[str]) -> Any:  # noqa: ANN401 - JSON
    for part in path:
        document = document[_index(part, len(document)) if isinstance(document, list) else part]
    return document


def _put(document: Any, path: list[str], value: Any) -> Any:  # noqa: ANN401 - JSON
    if not path:
        return value
    parent = _read(document, path[:-1])
    parent[_index(path[-1], len(parent)) if isinstance(parent, list) else path[-1]] = value
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:  # noqa: ANN401 - JSON
    parent = _read(document, path[:-1]) if path else None
    if not isinstance(parent, list):
        if path and not isinstance(parent, dict):
            raise TypeError(path)
        return _put(document, path, value)
    parent.insert(len(parent) if path[-1] == "-" else _index(path[-1], len(parent) + 1), value)
    return document


def _remove(document: Any, path: list[str]) -> Any:  # noqa: ANN401 - JSON
    parent = _read(document, path[:-1])
    del parent[_index(path[-1], len(parent)) if isinstance(parent, list) else path[-1]]
    return document
