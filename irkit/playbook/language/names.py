"""The names that a condition may use: their kinds before a run, their values during it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from irkit.model.audit import Severity
from irkit.model.run import Effect, Status
from irkit.playbook.language.judge import BOOL, LIST, NUMBER, STRING, Kind

_INPUTS = {"string": STRING, "integer": NUMBER, "number": NUMBER, "boolean": BOOL, "list": LIST, "paths": LIST}
_TARGET = ("namespace", "name", "node", "owner", "phase", "service_account")
_EFFECTS = tuple(map(str, Effect))


def kinds(inputs: Mapping[str, str], before: Iterable[str]) -> dict[str, Kind]:
    """What a step may ask about: `inputs` by declared type, the steps `before` it, the run, the pod, what follows."""
    return {
        **{f"inputs.{name}": _INPUTS[kind] for name, kind in inputs.items()},
        **{f"steps.{step}.status": Kind("string", tuple(map(str, Status))) for step in before},
        **{f"target.{field}": STRING for field in _TARGET},
        "run.trigger": STRING,
        "run.severity": Kind("string", ("", *map(str, Severity))),
        "run.dry_run": BOOL,
        "effects.next": Kind("string", _EFFECTS),
        "effects.gravest": Kind("string", _EFFECTS),
    }


def values(
    head: Mapping[str, Any], target: Mapping[str, Any], statuses: Mapping[str, str], ahead: Iterable[Effect]
) -> dict[str, Any]:
    """The same names with what they stand for now; what is not known yet is "". `ahead`: effects of steps to come."""
    coming = list(ahead) or [Effect.READ]
    occasion = head.get("occasion") or {"trigger": "cli", "severity": ""}
    return {
        **{f"inputs.{name}": value for name, value in head["inputs"].items()},
        **{f"steps.{step}.status": status for step, status in statuses.items()},
        **{f"target.{field}": str(target.get(field) or "") for field in _TARGET},
        "run.trigger": occasion["trigger"],
        "run.severity": occasion["severity"],
        "run.dry_run": head["dry_run"],
        "effects.next": str(coming[0]),
        "effects.gravest": str(max(coming, key=list(Effect).index)),
    }
