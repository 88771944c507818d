"""The course of a run: which steps are next, what stops them, when it waits, how it ends."""

from __future__ import annotations

import json
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from irkit.model.run import Outcome, Status
from irkit.playbook.approvals.desk import CANCEL
from irkit.playbook.drive.attempt import perform, refuse
from irkit.playbook.drive.lease import Lease
from irkit.playbook.drive.under_way import UnderWay
from irkit.playbook.journal.record import GOOD
from irkit.playbook.schema import Parallel, StepSpec


def go(run: UnderWay) -> None:
    """Every step that is not settled yet, then the end of the run; or as far as a step that waits for people."""
    run.progress.run_started(run.folder.name, run.folder)
    stopped = until = ""
    for block in run.playbook.blocks:
        if until in [spec.id for spec in block.steps]:
            stopped = until = ""
        stopped = stopped or _halted(run, block)
        for spec, status in zip(block.steps, _taken(run, block, stopped), strict=True):
            if status is Status.WAITING:
                run.journal.append("run.waiting", step=spec.id)
                run.progress.step_ended(run.told(spec))
                return
            if not stopped and not _goes_on(spec, status):
                stopped, until = spec.id, spec.goto
    for spec in run.playbook.always:
        perform(run, spec, "", Lease())
    run.journal.append("run.ended", status=run.journal.ledger.outcome_status())


def _goes_on(spec: StepSpec, status: Status) -> bool:
    return status in (*GOOD, Status.SKIPPED) or spec.on_error == "continue"


def _taken(run: UnderWay, block: Parallel, stopped: str) -> list[Status]:
    """How each step of the block ends; one by itself, and a rehearsal, in this thread."""
    if len(block.steps) == 1 or run.dry_run:
        return [perform(run, spec, stopped, Lease()) for spec in block.steps]
    lease, failed = Lease(), list[str]()

    def one(spec: StepSpec) -> Status:
        status = perform(run, spec, stopped or next(iter(failed), ""), lease)
        if block.fail_fast and status not in (*GOOD, Status.SKIPPED):
            failed.append(spec.id)
        return status

    pool = ThreadPoolExecutor(block.max, "a step in parallel")
    try:
        futures = [pool.submit(one, spec) for spec in block.steps]
        wait(futures, return_when=FIRST_EXCEPTION)  # an interrupt comes out here, in the thread that waits
        return [future.result() for future in futures]
    finally:
        lease.end()
        pool.shutdown(cancel_futures=True)


def _halted(run: UnderWay, block: Parallel) -> str:
    """The first step that is not taken because somebody said stop, or time is up; "" for none."""
    for spec in block.steps:
        if run.settled(spec):
            continue
        if _cancelled(run):
            refuse(run, spec, _cancellation(run))
            return spec.id
        if run.over_time():
            limit = run.playbook.limits.max_duration
            refuse(run, spec, Outcome(Status.REFUSED, f"not done: the run may take {limit}, and has"))
            return spec.id
    return ""


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
