"""Something happened, says another system: one shape for every sender."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from irkit.errors import UsageError
from irkit.model.audit import Severity
from irkit.model.pod import PodRef


class BadAlert(UsageError):
    """The bytes are no alert of the format they should be of; the message quotes nothing of them but names."""


class AlertStatus(StrEnum):
    """Whether it is so, or no longer."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that one sender says about the world. All of it is the sender's word, and hostile until shown."""

    source: str  # the name of the source it came in by
    key: str  # SHA-256 in hex of what makes it this alert and no other: the same alert sent again has the same key
    status: AlertStatus
    severity: Severity
    at: datetime  # when it began, by the sender's clock
    name: str  # "KubePodCrashLooping", "Terminal shell in container"
    summary: str
    raw_sha256: str  # of the delivery's body
    labels: dict[str, str] = field(default_factory=dict)
    pod: PodRef | None = None  # None: it names no pod; never with a uid, which only the cluster can tell
