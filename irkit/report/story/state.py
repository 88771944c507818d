"""Questions about a record that several parts of the report ask."""

from __future__ import annotations

from irkit.model.isolation import Verdict
from irkit.model.run import Moment, RunRecord, Status, StepRecord
from irkit.report.story.words import rank

ISOLATE, RELEASE, AUDIT = "pod.isolate@", "pod.release@", "audit.match@"
# The report's own step and those after it: unfinished there, they say nothing about a crash.
_WRITING = ("report.write@", "bundle.seal@", "bundle.ship@")


def weakest(record: RunRecord) -> Verdict | None:
    """The verdict of the direction that is worst off; None without isolation or without a verdict."""
    verdicts = record.isolation.verdict.values() if record.isolation else ()
    return max(verdicts, key=list(Verdict).index, default=None)


def interrupted(record: RunRecord) -> StepRecord | None:
    """The step at which a crash cut the run off; None when it ended, or is merely writing this report."""
    running = [step for step in record.steps if step.status is Status.RUNNING]
    return next((step for step in running if not step.uses.startswith(_WRITING)), None)


def going(record: RunRecord) -> bool:
    """True when the report was written before the run ended, as the one in the bundle always is."""
    return record.finished is None and interrupted(record) is None and bool(record.steps)


def released(record: RunRecord) -> StepRecord | None:
    """The step that took the isolation back; None when it stands."""
    done = [step for step in record.steps if step.status is Status.DONE]
    return next((step for step in done if step.uses.startswith(RELEASE) or _undoes(step)), None)


def _undoes(step: StepRecord) -> bool:
    """The engine names the undoing of step `x` `undo-x`."""
    return step.id.startswith("undo-") and step.uses.startswith(ISOLATE)


def grave(record: RunRecord) -> list[Moment]:
    """The audit moments of high severity and above, in order of time."""
    least = rank("high")
    found = [moment for moment in record.timeline if moment.source == "audit" and rank(moment.severity) >= least]
    return sorted(found, key=lambda moment: moment.at)
