"""Annotations that irkit sets for a while on objects of others; what they were is remembered in one more. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from irkit.model.codec import compact

MEMORY = "irkit.dev/original-annotations"  # {"key": "value before", "other": null}: null, it was not there

Notes = Mapping[str, str]


def put(notes: Notes, wanted: Notes) -> dict[str, str]:
    """The annotations with those `wanted`; a memory that is there stays, for it is of the time before us."""
    before = {key: notes.get(key) for key in wanted}
    return {**notes, **wanted, MEMORY: notes.get(MEMORY) or compact(before).decode()}


def put_back(notes: Notes, wanted: Notes) -> dict[str, str]:
    """The annotations as they were before `put`, those aside that others have changed since."""
    if MEMORY not in notes:
        return dict(notes)
    before, rest = _read(notes[MEMORY]), {key: value for key, value in notes.items() if key != MEMORY}
    for key, value in wanted.items():
        if rest.get(key) == value:
            del rest[key]
            rest |= {key: before[key]} if before.get(key) is not None else {}
    return rest


def _read(text: str) -> dict[str, str]:
    """A memory that somebody altered says nothing: what we set goes, and nothing comes back."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
