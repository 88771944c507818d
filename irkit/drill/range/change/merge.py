"""JSON Merge Patch (RFC 7386) and Kubernetes' strategic merge patch."""

from __future__ import annotations

from typing import Any

from irkit.drill.range.answer import Json, bad_request
from irkit.drill.range.kinds.types import ANY, Type, decode


def merge(target: Any, patch: Any) -> Any:  # noqa: ANN401 - JSON
    """RFC 7386: null removes, a list replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(kind: Type, target: Any, patch: Any) -> Any:  # noqa: ANN401 - JSON
    """As `merge`, but lists that have a merge key are joined by it, and `$` directives are followed."""
    if not isinstance(patch, dict):
        return patch
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if (kept := patch.get("$retainKeys")) is not None:
        result = {key: value for key, value in result.items() if key in kept}
    for key, value in patch.items():
        _set(kind, result, key, value)
    return result


def _set(kind: Type, result: Json, key: str, value: Any) -> None:  # noqa: ANN401 - JSON
    if key.startswith("$deleteFromPrimitiveList/"):
        name = key.partition("/")[2]
        result[name] = [each for each in result.get(name) or [] if each not in value]
    elif key.startswith("$setElementOrder/"):
        name = key.partition("/")[2]
        result[name] = _ordered(kind.of(name) or ANY, result.get(name), value)
    elif key.startswith("$"):
        return
    elif value is None:
        result.pop(key, None)
    else:
        result[key] = _joined(kind.of(key) or ANY, result.get(key), value)


def _joined(kind: Type, target: Any, patch: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(patch, list):
        return strategic(kind, target, patch)
    existing = target if isinstance(target, list) else []
    if kind.shape != "list" or not kind.merges:
        return patch
    if not kind.merge_key:
        return [*existing, *(each for each in patch if each not in existing)]
    return _by_key(kind, existing, patch)


def _by_key(kind: Type, existing: list[Json], patch: list[Json]) -> list[Json]:
    key, item = kind.merge_key, decode(kind.item)
    if any(each == {"$patch": "replace"} for each in patch):
        return [each for each in patch if "$patch" not in each]
    result = list(existing)
    for each in patch:
        if key not in each:
            raise bad_request(f"map: {each} does not contain declared merge key: {key}")
        place = next((index for index, have in enumerate(result) if have.get(key) == each[key]), None)
        if each.get("$patch") == "delete":
            result = [have for have in result if have.get(key) != each[key]]
        elif place is None:
            result.append(strategic(item, {}, each))
        else:
            result[place] = strategic(item, result[place], each)
    return result


def _ordered(kind: Type, existing: Any, order: list[Any]) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(existing, list):
        return existing
    key = kind.merge_key
    wanted = [each[key] if key and isinstance(each, dict) else each for each in order]
    names = [each.get(key) if key and isinstance(each, dict) else each for each in existing]
    last = len(wanted)
    ranked = sorted(zip(names, existing, strict=True), key=lambda it: wanted.index(it[0]) if it[0] in wanted else last)
    return [each for _, each in ranked]
