"""What changed between two bundles, such as two of one pod: by file, and within JSON by pointer (RFC 6901)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from irkit.bundle import layout
from irkit.bundle.reader import contents
from irkit.lanes import Sum, Sums

_LARGEST = 4 << 20  # bytes of a JSON file that is compared inside
_IN_ALL = 64 << 20  # bytes of JSON held for that, for one bundle
_MOST = 200  # pointers told for one file


class Kind(StrEnum):
    """Of a difference, seen from the first bundle."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One file of the payload that is not the same in both. Sizes in bytes."""

    path: str
    kind: Kind
    before: int | None = None  # None: not in the first bundle
    after: int | None = None  # None: not in the second
    pointers: tuple[str, ...] = ()  # within JSON: "changed /spec/nodeName"; at most 200


@dataclass(frozen=True, slots=True)
class _File:
    sum: Sum
    size: int
    text: bytes | None  # None: not JSON, or too large to be compared inside


def diff(before: Path, after: Path) -> tuple[Difference, ...]:
    """The payload files that differ, by path; raises like `reader.entries`. Neither bundle is verified by this."""
    old, new = _files(before), _files(after)
    return tuple(
        _difference(path, old.get(path), new.get(path)) for path in sorted(old | new) if _differ(path, old, new)
    )


def _differ(path: str, old: dict[str, _File], new: dict[str, _File]) -> bool:
    return path not in old or path not in new or old[path].sum.sha256 != new[path].sum.sha256


def _files(path: Path) -> dict[str, _File]:
    found, left = {}, _IN_ALL
    with Sums() as sums:
        for name, size, chunks in contents(path):
            if name.startswith(layout.PAYLOAD):
                keep = name.endswith(".json") and size <= min(left, _LARGEST)
                found[name] = _file(size, chunks, sums, keep=keep)
                left -= size * keep
        sums.finish()
    return found


def _file(size: int, chunks: Iterator[bytes], sums: Sums, *, keep: bool) -> _File:
    found, text = Sum(), bytearray()
    for chunk in sums.passing(found, size, chunks):
        text += chunk if keep else b""
    return _File(found, size, bytes(text) if keep else None)


def _difference(path: str, old: _File | None, new: _File | None) -> Difference:
    if old is None or new is None:
        kind = Kind.ADDED if old is None else Kind.REMOVED
        return Difference(path, kind, old.size if old else None, new.size if new else None)
    return Difference(path, Kind.CHANGED, old.size, new.size, _pointers(old.text, new.text))


def _pointers(old: bytes | None, new: bytes | None) -> tuple[str, ...]:
    """Where two JSON texts differ; none where either cannot be read."""
    if old is None or new is None:
        return ()
    try:
        return tuple(islice(_walk("", json.loads(old), json.loads(new)), _MOST))
    except (ValueError, RecursionError):
        return ()


def _walk(at: str, old: Any, new: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    """Differences in order; list items are compared by place."""
    if isinstance(old, list) and isinstance(new, list):
        old, new = dict(enumerate(old)), dict(enumerate(new))
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new or type(old) is not type(new):
            yield f"changed {at or '(all)'}"
        return
    for key in [*old, *(key for key in new if key not in old)]:
        pointer = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if key not in new:
            yield f"removed {pointer}"
        elif key not in old:
            yield f"added {pointer}"
        else:
            yield from _walk(pointer, old[key], new[key])
