"""When a run that the rails held back may go on, by the records of its journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from irkit.times import rfc3339
from irkit.triggers.orders.postponed import THAW, until

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SOON, LATE = NOW + timedelta(minutes=5), NOW + timedelta(hours=1)


def reason(rule: str, at: datetime | None = None) -> dict[str, Any]:
    return {"rule": rule, "why": "", "until": at and rfc3339(at)}


def refused(step: str, *reasons: dict[str, Any], status: str = "refused") -> list[dict[str, Any]]:
    """The records of one step that the rails decided about."""
    return [
        {"kind": "step.started", "step": step},
        {"kind": "rails.decided", "step": step, "decision": {"reasons": list(reasons)}},
        {"kind": "step.ended", "step": step, "outcome": {"status": status}},
    ]


def test_nothing_waits_where_nothing_was_held_back() -> None:
    assert until([], NOW, frozen=False) is None
    assert until(refused("isolate", status="done"), NOW, frozen=False) is None
    missing = [record for record in refused("isolate") if record["kind"] != "rails.decided"]
    assert until(missing, NOW, frozen=False) is None, "refused by the API server, not by the rails"


def test_every_reason_has_to_pass_and_the_first_step_that_may_go_on_decides() -> None:
    both = refused("isolate", reason("budget", SOON), reason("cool-down", LATE))
    assert until(both, NOW, frozen=False) == LATE
    assert until([*both, *refused("revoke", reason("budget", SOON))], NOW, frozen=False) == SOON


def test_what_time_does_not_heal_waits_for_a_person() -> None:
    assert until(refused("isolate", reason("budget", SOON), reason("denied")), NOW, frozen=False) is None


def test_a_freeze_is_looked_at_again_until_it_ends() -> None:
    frozen = refused("isolate", reason("frozen"))
    assert until(frozen, NOW, frozen=True) == NOW + THAW
    assert until(frozen, NOW, frozen=False) == NOW


def test_only_the_last_attempt_at_a_step_counts() -> None:
    again = [*refused("isolate", reason("budget", SOON)), *refused("isolate", status="done")]
    assert until(again, NOW, frozen=False) is None
