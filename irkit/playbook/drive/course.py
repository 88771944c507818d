"""The course of a run: which step is next, what stops it, when it waits, how it ends."""

from __future__ import annotations

import json
from typing import Any

from irkit.model.run import Outcome, Status
from irkit.playbook.approvals.desk import CANCEL
from irkit.playbook.drive.attempt import end, perform
from irkit.playbook.drive.under_way import UnderWay
from irkit.playbook.journal.record import GOOD
from irkit.playbook.schema import StepSpec


def go(run: UnderWay) -> None:
    """Every step that is not settled yet, then the end of the run; or as far as a step that waits for people."""
    run.progress.run_started(run.folder.name, run.folder)
    stopped = ""
    for spec in run.playbook.steps:
        if not stopped and _cancelled(run) and not run.settled(spec):
            end(run, spec, _cancellation(run))
            stopped = spec.id
            continue
        status = perform(run, spec, stopped)
        if status is Status.WAITING:
            run.journal.append("run.waiting", step=spec.id)
            run.progress.step_ended(run.told(spec))
            return
        if not stopped and _stops(spec, status):
            stopped = spec.id
    for spec in run.playbook.always:
        perform(run, spec, "")
    run.journal.append("run.ended", status=run.journal.ledger.outcome_status())


def _stops(spec: StepSpec, status: Status) -> bool:
    return status not in GOOD and spec.on_error == "stop"


def _cancelled(run: UnderWay) -> bool:
    """Whether somebody said stop; said while we drive it is a file, which goes into the journal here."""
    asked = run.folder / CANCEL
    if not run.journal.ledger.cancelled and asked.exists():
        told: dict[str, Any] = json.loads(asked.read_bytes())
        run.journal.append("run.cancelled", person=told["person"], note=told["note"])
    return bool(run.journal.ledger.cancelled)


def _cancellation(run: UnderWay) -> Outcome:
    cancelled = run.journal.ledger.cancelled
    why = f": {cancelled['note']}" if cancelled["note"] else ""
    return Outcome(Status.REFUSED, f"cancelled by {cancelled['person']['name']}{why}", {"cancelled": True})
