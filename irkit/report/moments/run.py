"""Moments from the run itself: its steps and what they did to the world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from irkit.model.run import Effect, Moment, Status, StepRecord

_GRAVE = (Status.FAILED, Status.REFUSED, Status.UNVERIFIED)


def moments(steps: Iterable[StepRecord], skew: timedelta) -> Iterator[Moment]:
    """Each step where it began, each of its actions where it ended, `skew` later: by the API server's clock."""
    for step in steps:
        if step.status is Status.SKIPPED:
            continue
        mild = "low" if step.effect.changes_cluster or step.effect is Effect.COLLECT else "info"
        severity = "medium" if step.status in _GRAVE else mild
        what = f"{step.id}: {step.summary}" if step.summary else step.id
        yield Moment(step.started + skew, "irkit", "irkit", what, severity)
        for action in step.actions:
            yield Moment((step.finished or step.started) + skew, "irkit", "irkit", action.what, "low")
