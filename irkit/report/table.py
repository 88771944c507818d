"""The timeline as CSV for a spreadsheet, which must neither run nor hide anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from irkit.model.run import RunRecord
from irkit.text import cell
from irkit.times import rfc3339

LONGEST = 30_000  # characters: a spreadsheet's cell takes 32,767; timeline.jsonl has the whole


def rows(record: RunRecord) -> Iterator[str]:
    """The lines of the file, its head first; every cell quoted, formulas disarmed by an apostrophe."""
    yield _line(("time", "severity", "source", "actor", "what", "evidence"))
    for moment in record.timeline:
        yield _line((rfc3339(moment.at), moment.severity, moment.source, moment.actor, moment.what, moment.ref))


def _line(cells: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(cell(text, limit=LONGEST) for text in cells)
    return out.getvalue()
