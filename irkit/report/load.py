"""A RunRecord from the bytes of a report.json: strict, since a bundle may come from anybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from irkit.errors import UsageError
from irkit.model import codec
from irkit.model.run import RunRecord
from irkit.report.render import SCHEMA

_HINT = "give report.json of a bundle that irkit sealed"


def load(data: bytes) -> RunRecord:
    """The record that report.json was made from; raises UsageError for anything else."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError("the report is not JSON", _HINT) from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        said = found.get("schema") if isinstance(found, dict) else None
        raise UsageError(f"not a report of the form {SCHEMA}: {str(said)[:80]!r}", _HINT)
    try:
        record = codec.build(RunRecord, {key: value for key, value in found.items() if key != "schema"})
        for at in _instants(record):
            _in_utc(at)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(f"the report does not fit its form: {error}", _HINT) from error
    return record


def _in_utc(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError(f"an instant without an offset: {at.isoformat()}")
    at.astimezone(UTC)


def _instants(noun: Any) -> Iterator[datetime]:  # noqa: ANN401 - a noun or a part of one
    """Every instant in `noun`, however deep; what evidence may hold (`Any`) is JSON and has none."""
    if isinstance(noun, datetime):
        yield noun
    elif isinstance(noun, tuple):
        for part in noun:
            yield from _instants(part)
    elif is_dataclass(noun):
        for field in fields(noun):
            yield from _instants(getattr(noun, field.name))
