"""Short words for the tests of the rails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from irkit.model.audit import Severity
from irkit.playbook.rails.facts import Deed, Facts, Occasion, Subject
from irkit.playbook.rails.policy import Allow, Mode, Policy, Protect

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ISOLATE = "pod.isolate@1"
POD = Subject("payments", "web-1", "u-1", {"app": "web"}, workload="Deployment/web", replicas=8, control_plane=False)
FACTS = Facts(
    "r-1", "isolate", "compromised-pod", ISOLATE, "https://c", Occasion("alertmanager", Severity.HIGH), POD, NOW
)


def policy(**changes: Any) -> Policy:  # noqa: ANN401 - fields of Policy
    """One that lets FACTS pass in earnest, but for `changes`."""
    fields = {"mode": Mode.ENFORCE, "allow": (Allow((ISOLATE,), ("payments", "shop-*")),)} | changes
    return Policy(**fields)


def facts(**changes: Any) -> Facts:  # noqa: ANN401 - fields of Facts
    """FACTS but for `changes`."""
    return replace(FACTS, **changes)


def pod(**changes: Any) -> Facts:  # noqa: ANN401 - fields of Subject
    """FACTS about a pod like POD but for `changes`."""
    return replace(FACTS, subject=replace(POD, **changes))


def deed(ago: timedelta, **changes: Any) -> Deed:  # noqa: ANN401 - fields of Deed
    """A change of another run to another pod of another workload, so long before NOW, but for `changes`."""
    made = Deed("r-0", "isolate", NOW - ago, "compromised-pod", ISOLATE, "https://c", "payments", "u-0", "", True)
    return replace(made, **changes)


ANYWHERE = Protect(control_plane_nodes=False)
