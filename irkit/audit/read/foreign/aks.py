"""Rows of the Azure Monitor tables AKSAudit and AKSAuditAdmin, put back into the shape the API server wrote.

A body that Azure left out for its size stays out, marked as the API server would. The row is kept under `original`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from irkit.audit.read.event import TRUNCATED, whole

_COLUMNS = {
    "Level": "level",
    "AuditId": "auditID",
    "Stage": "stage",
    "RequestUri": "requestURI",
    "Verb": "verb",
    "User": "user",
    "SourceIps": "sourceIPs",
    "UserAgent": "userAgent",
    "ObjectRef": "objectRef",
    "ResponseStatus": "responseStatus",
    "RequestObject": "requestObject",
    "ResponseObject": "responseObject",
    "RequestReceivedTime": "requestReceivedTimestamp",
    "StageReceivedTime": "stageTimestamp",
    "Annotations": "annotations",
}
_BODIES = ("RequestObject", "ResponseObject")
_DYNAMIC = ("User", "SourceIps", "ObjectRef", "ResponseStatus", *_BODIES, "Annotations")


def event(row: dict[str, Any]) -> dict[str, Any] | None:
    """The audit event in one row; None for a row of another table."""
    if not (row.get("AuditId") and row.get("Verb") and row.get("Stage")):
        return None
    found = {ours: value for theirs, ours in _COLUMNS.items() if (value := _value(row, theirs)) not in (None, "")}
    if any(row.get(body) and _value(row, body) is None for body in _BODIES):
        notes = found.get("annotations")
        found["annotations"] = {**(notes if isinstance(notes, dict) else {}), TRUNCATED: "true"}
    return {"kind": "Event", "apiVersion": "audit.k8s.io/v1", **found, "original": row}


def _value(row: dict[str, Any], column: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """`az` prints dynamic columns as text; a body too large is a text that is no JSON."""
    value = row.get(column)
    return whole(value.encode("utf-8", "replace")) if column in _DYNAMIC and isinstance(value, str) else value


def rows(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of an answer of the Log Analytics API: tables with columns and rows apart."""
    tables = answer.get("tables")
    for table in tables if isinstance(tables, list) else ():
        columns = table.get("columns") if isinstance(table, dict) else None
        names = [str(one.get("name")) for one in columns if isinstance(one, dict)] if isinstance(columns, list) else []
        for row in (table.get("rows") if names else None) or ():
            if isinstance(row, list) and len(row) == len(names):
                yield dict(zip(names, row, strict=True))
