"""Tables, as `kubectl get` asks the server for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from irkit.drill.range.answer import Json
from irkit.drill.range.face.columns import AGE, COLUMNS, NAME, Column
from irkit.drill.range.kinds.table import Kind


def table(kind: Kind, items: list[Json], query: Mapping[str, str], meta: Json, now: datetime) -> Json:
    """`items` as a meta.k8s.io/v1 Table; `meta` is that of the list, or of the single object."""
    columns = COLUMNS.get(kind.plural, (NAME, AGE))
    listed = {key: meta[key] for key in ("resourceVersion", "continue", "remainingItemCount") if key in meta}
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": listed,
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [_row(item, columns, query.get("includeObject", "Metadata"), now) for item in items],
    }


def _definition(column: Column) -> Json:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": column.name,
        "priority": column.priority,
    }


def _row(item: Json, columns: tuple[Column, ...], include: str, now: datetime) -> Json:
    row: Json = {"cells": [column.cell(item, now) for column in columns]}
    if include == "Object":
        return {**row, "object": item}
    if include == "Metadata":
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
        return {**row, "object": partial}
    return {**row, "object": None}
