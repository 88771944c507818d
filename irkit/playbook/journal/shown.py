"""A run as it is shown: what nobody but the recipients may read stays out of every answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from irkit.model.run import RunRecord
from irkit.playbook.journal.record import Ledger, told

# In the folder of a run: the report without its secrets, where the bundle is for two audiences.
REPORT = "report"


def shown(ledger: Ledger, folder: Path) -> RunRecord:
    """The record of the run in `folder`, with its timeline: of one with recipients as its shareable report tells it."""
    record = ledger.record()
    if not ledger.settings["sealing"]["recipients"]:
        return told(record, folder / "data")
    from irkit.report.load import load

    home = folder / REPORT
    own = told(record, home).timeline  # no evidence lies there: what the run itself did, until now
    path = home / "report.json"
    evidence = tuple(moment for moment in load(path.read_bytes()).timeline if moment.ref) if path.exists() else ()
    return replace(record, timeline=tuple(sorted((*evidence, *own), key=lambda one: one.at)))


def report(folder: Path) -> Path:
    """The report to look at: the one without secrets where there is one."""
    shared = folder / REPORT / "report.html"
    return shared if shared.exists() else folder / "data" / "report" / "report.html"
