"""The resources that the range serves, as a real v1.37 API server lists them (kinds.json)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Kind:
    """One resource type. `subresources` maps a name ("log") to the verbs it takes."""

    group: str
    version: str
    plural: str
    kind: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    subresources: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def api_version(self) -> str:
        """As in manifests."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """As in messages: "pods", "networkpolicies.networking.k8s.io"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def allowed(self, subresource: str) -> tuple[str, ...] | None:
        """The verbs that the resource, or its `subresource`, takes; None where there is no such subresource."""
        return dict(self.subresources).get(subresource) if subresource else self.verbs


@cache
def discovery() -> dict[str, list[dict[str, Any]]]:
    """Group version -> its APIResource entries."""
    text = files(__package__).joinpath("kinds.json").read_text("utf-8")
    listed: dict[str, list[dict[str, Any]]] = json.loads(text)
    return {gv: [{**entry, "verbs": entry.get("verbs", list(ALL_VERBS))} for entry in es] for gv, es in listed.items()}


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind served."""
    return tuple(
        _kind(group_version, entry, entries)
        for group_version, entries in discovery().items()
        for entry in entries
        if "/" not in entry["name"]
    )


def _kind(group_version: str, entry: dict[str, Any], entries: list[dict[str, Any]]) -> Kind:
    group, _, version = group_version.rpartition("/")
    prefix = entry["name"] + "/"
    subresources = tuple(
        (other["name"].removeprefix(prefix), tuple(other["verbs"]))
        for other in entries
        if other["name"].startswith(prefix)
    )
    return Kind(
        group,
        version,
        entry["name"],
        entry["kind"],
        entry["singularName"],
        entry["namespaced"],
        tuple(entry["verbs"]),
        subresources,
    )


@cache
def _by_path() -> dict[tuple[str, str, str], Kind]:
    return {(kind.group, kind.version, kind.plural): kind for kind in kinds()}


@cache
def _by_kind() -> dict[tuple[str, str], Kind]:
    return {(kind.api_version, kind.kind): kind for kind in kinds()}


def at(group: str, version: str, plural: str) -> Kind | None:
    """The kind at an API path; None where there is none."""
    return _by_path().get((group, version, plural))


def named(api_version: str, kind: str) -> Kind:
    """The kind of a manifest; raises KeyError for one that the range does not serve."""
    return _by_kind()[api_version, kind]
