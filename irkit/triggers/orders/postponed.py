"""Whether a run that rails or people hold back can go on later, and when. Pure: records in, an instant out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from irkit.model.run import Status
from irkit.playbook.approvals.standing import Answer, Standing
from irkit.times import parse

LOOK = timedelta(seconds=5)  # between two looks at whether people have answered
THAW = timedelta(seconds=15)  # between two looks at whether a freeze has ended

Record = Mapping[str, Any]


def until(records: Sequence[Record], now: datetime, frozen: bool) -> datetime | None:
    """When the first step that was held back may ask again; None where nothing waits.

    `frozen`: whether all is frozen now. A step that a freeze alone held back may ask as soon as it has ended.
    """
    times = [at for told in _held(records) if (at := _healed(told["reasons"], now, frozen))]
    return min(times, default=None)


def reasons(records: Sequence[Record]) -> str:
    """Why the rails hold back what they hold back, each reason once."""
    return "; ".join(dict.fromkeys(reason["why"] for told in _held(records) for reason in told["reasons"]))


def answer(standing: Standing | None, now: datetime) -> datetime | None:
    """When a run that asks people is to be looked at again; None where it asks nobody."""
    if standing is None:
        return None
    return min(now + LOOK, standing.question.expires) if standing.answer(now) is Answer.OPEN else now


def _held(records: Sequence[Record]) -> Iterator[Record]:
    """The last decision about each step that ended refused by it."""
    decided: dict[str, Record] = {}
    ended: dict[str, str] = {}
    for record in records:
        match record["kind"]:
            case "rails.decided":
                decided[record["step"]] = record["decision"]
            case "step.started":
                decided.pop(record["step"], None)
            case "step.ended":
                ended[record["step"]] = record["outcome"]["status"]
    return (told for step, told in decided.items() if ended.get(step) == Status.REFUSED)


def _healed(reasons: Sequence[Record], now: datetime, frozen: bool) -> datetime | None:
    """When every reason will have passed; None where one never does, or there is none."""
    ends = [_end(reason, now, frozen) for reason in reasons]
    lasting = any(end is None for end in ends)
    return None if lasting else max((end for end in ends if end), default=None)


def _end(reason: Record, now: datetime, frozen: bool) -> datetime | None:
    if reason["rule"] == "frozen":
        return now + THAW if frozen else now
    return parse(reason["until"]) if reason.get("until") else None
