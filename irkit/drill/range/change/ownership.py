"""Who owns which field: server-side apply, and the upkeep of `managedFields` on every other change."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from irkit.drill.range.answer import ApiFailure, Json
from irkit.drill.range.change import fields as fieldset
from irkit.drill.range.change.fields import HERE, Path
from irkit.drill.range.kinds.types import Type, decode

Entries = list[Json]


@dataclass(frozen=True)
class Manager:
    """Who changes an object, and when."""

    name: str
    api_version: str
    time: str
    subresource: str = ""

    def entry(self, operation: str, paths: set[Path]) -> Json:
        """The managedFields entry that owns `paths`."""
        entry: Json = {
            "manager": self.name,
            "operation": operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": fieldset.encode(paths),
        }
        return entry | ({"subresource": self.subresource} if self.subresource else {})

    def wrote(self, entry: Json, operation: str) -> bool:
        """Whether `entry` is this manager's own."""
        mine = (self.name, operation, self.subresource)
        return (entry["manager"], entry["operation"], entry.get("subresource", "")) == mine


def _paths(entry: Json) -> set[Path]:
    return fieldset.decode_set(entry.get("fieldsV1") or {})


def _entries(obj: Json | None) -> Entries:
    return list((obj or {}).get("metadata", {}).get("managedFields") or [])


def updated(kind: Type, before: Json | None, after: Json, manager: Manager) -> Entries:
    """The entries after an update: what changed is the manager's, what went is nobody's."""
    old = fieldset.fields(kind, before or {}, containers=True)
    new = fieldset.fields(kind, after, containers=True)
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    gone = old.keys() - new.keys()
    entries = _entries(before)
    if not changed and not gone:
        return entries
    kept = [_without(entry, changed | gone) for entry in entries if not manager.wrote(entry, "Update")]
    mine = {path for entry in entries if manager.wrote(entry, "Update") for path in _paths(entry)}
    mine = (mine - gone) | changed
    return [entry for entry in kept if entry["fieldsV1"]] + ([manager.entry("Update", mine)] if mine else [])


def _without(entry: Json, paths: set[Path]) -> Json:
    have = _paths(entry)
    return entry if have.isdisjoint(paths) else {**entry, "fieldsV1": fieldset.encode(have - paths)}


def applied(kind: Type, live: Json | None, config: Json, manager: Manager, *, force: bool) -> Json:
    """`live` with `config` applied; raises 409 naming every field that another manager set to another value."""
    asked = fieldset.fields(kind, config, containers=False)
    entries = _entries(live)
    others = [entry for entry in entries if not manager.wrote(entry, "Apply")]
    clashes = _clashes(kind, live or {}, asked, others)
    if clashes and not force:
        raise _conflict(clashes)
    lost = {path for _, path in clashes}
    others = [entry for entry in (_without(each, lost) for each in others) if entry["fieldsV1"]]
    mine = {path for entry in entries if manager.wrote(entry, "Apply") for path in _paths(entry)}
    dropped = mine - asked.keys() - {path for entry in others for path in _paths(entry)}
    merged: Json = merge(kind, copy.deepcopy(live or {}), config)
    for path in sorted(dropped, key=len):  # a whole item before the key it is found by
        fieldset.remove(kind, merged, path)
    entry = next((each for each in entries if manager.wrote(each, "Apply")), None)
    if entry is None or mine != set(asked):
        entry = manager.entry("Apply", set(asked))
        if live is not None and merged == live:  # shared, not changed: no time of a change
            del entry["time"]
    merged.setdefault("metadata", {})["managedFields"] = [entry, *others]
    return merged


def _clashes(kind: Type, live: Json, asked: fieldset.Fields, others: Entries) -> list[tuple[Json, Path]]:
    have = fieldset.fields(kind, live, containers=True)
    return [
        (entry, path)
        for entry in others
        for path in sorted(_paths(entry))
        if path in asked and asked[path] is not HERE and have.get(path) != asked[path]
    ]


def _conflict(clashes: list[tuple[Json, Path]]) -> ApiFailure:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{entry["manager"]}"{_how(entry)}',
            "field": fieldset.shown(path),
        }
        for entry, path in clashes
    ]
    count = f"{len(causes)} conflict{'s' if len(causes) > 1 else ''}"
    if len(causes) == 1:
        told = f"{causes[0]['message']}: {causes[0]['field']}"
    else:
        by = dict.fromkeys(cause["message"] for cause in causes)
        told = "\n".join(
            f"{message.replace('conflict with', 'conflicts with', 1)}:\n"
            + "\n".join(f"- {cause['field']}" for cause in causes if cause["message"] == message)
            for message in by
        )
    return ApiFailure(409, "Conflict", f"Apply failed with {count}: {told}", {"causes": causes})


def _how(entry: Json) -> str:
    below = f' with subresource "{entry["subresource"]}"' if entry.get("subresource") else ""
    return f"{below} using {entry['apiVersion']}" if entry["operation"] == "Update" else below


def merge(kind: Type, live: Any, config: Any) -> Any:  # noqa: ANN401 - JSON
    """`config` laid over `live` by the rules of its types: maps join, keyed lists join by key, the rest replaces."""
    if isinstance(config, dict) and isinstance(live, dict) and not kind.atomic:
        known = {key: merge(kind.of(key) or kind, live.get(key), value) for key, value in config.items()}
        return {**live, **known}
    if isinstance(config, list) and isinstance(live, list) and kind.shape == "list" and kind.unique:
        return [*live, *(each for each in config if each not in live)]
    if isinstance(config, list) and isinstance(live, list) and kind.shape == "list" and kind.keys:
        return _merged_items(kind, live, config)
    return config


def _merged_items(kind: Type, live: list[Json], config: list[Json]) -> list[Json]:
    item = decode(kind.item)
    wanted = {fieldset.element(kind, each): each for each in config}
    result = []
    for each in live:
        name = fieldset.element(kind, each)
        result.append(merge(item, each, wanted.pop(name)) if name in wanted else each)
    return [*result, *wanted.values()]
