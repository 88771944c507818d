"""Label selectors and field selectors, parsed from a query or from a manifest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from irkit.drill.range.answer import Json, bad_request
from irkit.drill.range.kinds.table import Kind

Test = Callable[[Json], bool]

_TERM = re.compile(
    r"\s*(?:(?P<not>!)\s*(?P<absent>[^\s,=!()]+)"
    r"|(?P<key>[^\s,=!()]+)\s*(?:(?P<set>in|notin)\s*\((?P<values>[^)]*)\)|(?P<op>==|=|!=)\s*(?P<value>[^\s,]*))?)"
    r"\s*(?:,|$)"
)
# What a real API server lets one select by, beyond metadata.name and metadata.namespace.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.nominatedNodeName",
    ),
    "events": (
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
        "reportingComponent", "source", "type",
    ),
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "services": ("spec.clusterIP", "spec.type"),
    "replicasets": ("status.replicas",),
    "replicationcontrollers": ("status.replicas",),
    "jobs": ("status.successful",),
}  # fmt: skip


def by_labels(text: str) -> Test:
    """The test that a `labelSelector` query stands for; raises 400 for one that cannot be read."""
    terms, position = [], 0
    while position < len(text):
        found = _TERM.match(text, position)
        if not found or found.end() == position:
            raise bad_request(f"unable to parse requirement: found '{text[position:]}', expected: identifier")
        terms.append(_requirement(found))
        position = found.end()
    return lambda obj: all(term(obj["metadata"].get("labels") or {}) for term in terms)


def _requirement(found: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    if absent := found["absent"]:
        return lambda labels: absent not in labels
    key = found["key"]
    if found["set"]:
        values = {value.strip() for value in found["values"].split(",")}
        inside = found["set"] == "in"
        return lambda labels: (labels.get(key) in values) is inside
    if operator := found["op"]:
        value, equal = found["value"], operator != "!="
        return lambda labels: (labels.get(key) == value) is equal
    return lambda labels: key in labels


def matches(selector: Json | None, labels: Mapping[str, str]) -> bool:
    """Whether a manifest's LabelSelector (an empty one selects all, none selects nothing) selects `labels`."""
    if selector is None:
        return False
    wanted = (selector.get("matchLabels") or {}).items()
    terms = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in wanted) and all(_holds(term, labels) for term in terms)


def _holds(term: Json, labels: Mapping[str, str]) -> bool:
    key, values = term["key"], term.get("values") or []
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[term["operator"]]


def by_fields(kind: Kind, text: str) -> Test:
    """The test that a `fieldSelector` query stands for; raises 400 for a field that `kind` cannot be selected by."""
    terms = [_field(kind, term) for term in text.split(",") if term]
    return lambda obj: all(term(obj) for term in terms)


def _field(kind: Kind, term: str) -> Test:
    found = re.match(r"(.+?)(==|!=|=)(.*)\Z", term)
    if not found:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    name, operator, value = found.groups()
    if name not in ("metadata.name", "metadata.namespace", *FIELDS.get(kind.plural, ())):
        plain = f'"{name}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        raise bad_request(f"field label not supported: {name}" if kind.plural in FIELDS else plain)
    return lambda obj: (read(obj, name) == value) is (operator != "!=")


def read(obj: Json, path: str) -> str:
    """The field at a dotted `path` as text; "" where there is none."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):  # an event's source is selected by its component
        value = value.get("component")
    return "" if value is None else str(value)
