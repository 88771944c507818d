"""What the audit log says about a pod."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class Tier(IntEnum):
    """How surely an event concerns the pod, surest first (the numbers are those of docs/audit.md)."""

    UID = 1
    NAME = 2
    GENERATED_NAME = 3
    SERVICE_ACCOUNT = 4
    RELATED = 5
    FILTERED = 6  # no pod was named: it passes the user's filter


@dataclass(frozen=True, slots=True)
class Match:
    """One audit event that concerns the pod. `event` is the event as the API server wrote it."""

    tier: Tier
    reason: str
    source: str  # where the line stands: "audit.log:1234" (byte offset)
    event: dict[str, Any]
    raw: bytes = b""  # the line itself


class Severity(StrEnum):
    """Of a finding."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a rule recognised."""

    rule: str
    severity: Severity
    technique: str  # ATT&CK id, such as "T1609"
    at: datetime
    actor: str
    target: str
    audit_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """What was read and what was found in it."""

    sources: tuple[str, ...] = ()
    events: int = 0  # well-formed events read
    malformed: int = 0  # lines that are not audit events
    duplicates: int = 0  # identical records seen again
    matched: dict[str, int] = field(default_factory=dict)  # tier name -> count
    levels: dict[str, int] = field(default_factory=dict)  # audit level -> count, over matched events
    first: datetime | None = None  # None: no event read
    last: datetime | None = None
    findings: tuple[Finding, ...] = ()  # gravest first; of very many the first so many
    blind: dict[str, int] = field(default_factory=dict)  # rule -> matched requests whose body was not logged
