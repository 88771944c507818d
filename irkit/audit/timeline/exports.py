"""A timeline for other tools: JSON lines for Timesketch, CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from irkit.audit.timeline.line import Kind, Line
from irkit.text import cell
from irkit.times import rfc3339

_DESCRIBED = {
    Kind.REQUEST: "Request received",
    Kind.FINDING: "First event of a finding",
    Kind.EVENT: "Kubernetes Event",
    Kind.POD: "Status of the pod",
    Kind.LOG: "Line of a container's log",
    Kind.IRKIT: "Step of the response",
}
CELL = 30_000  # characters: a spreadsheet's cell takes 32,767
_HEAD = ("time", "until", "count", "kind", "severity", "actor", "address", "what", "rule", "audit_ids", "source")


def timesketch(lines: Iterable[Line]) -> Iterator[dict[str, Any]]:
    """One document a line; Timesketch demands `message`, `datetime` and `timestamp_desc`, the rest is ours."""
    for line in lines:
        request = line.kind is Kind.REQUEST
        message = f"{line.rule}: {line.what}" if line.kind is Kind.FINDING else f"{line.actor} {line.what}"
        described = _DESCRIBED[line.kind]
        yield {
            "message": message if line.count == 1 else f"{message} ({line.count:,} times)",
            "datetime": rfc3339(line.at),
            "timestamp": int(line.at.timestamp() * 1_000_000),
            "timestamp_desc": described if line.count == 1 or not request else "First of several requests received",
            "data_type": _type(line.kind),
            "tag": [name for name in (line.rule, line.technique) if name],
            **_fields(line),
        }


def _type(kind: Kind) -> str:
    return f"irkit:audit:{kind}" if kind in (Kind.REQUEST, Kind.FINDING) else f"irkit:{kind}"


def _fields(line: Line) -> dict[str, Any]:
    """What is said of the line; what it does not have is left out."""
    plain = {"until": rfc3339(line.until), "count": line.count, "severity": str(line.severity)}
    names = ("actor", "address", "agent", "verb", "resource", "namespace", "name", "uri", "code", "source", "reason")
    said = {name: value for name in names if (value := getattr(line, name))}
    return plain | said | {"audit_ids": list(line.audit_ids)}


def table(lines: Iterable[Line]) -> Iterator[str]:
    """The lines of a CSV file, its head first; every cell quoted, formulas disarmed."""
    yield _row(_HEAD)
    for line in lines:
        times = (rfc3339(line.at), rfc3339(line.until), str(line.count))
        words = (str(line.kind), str(line.severity), line.actor, line.address, line.what, line.rule)
        yield _row((*times, *words, " ".join(line.audit_ids), line.source))


def _row(cells: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(cell(text, limit=CELL) for text in cells)
    return out.getvalue()
