"""The audit log: one audit.k8s.io/v1 Event a line, written as each request ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from irkit.drill.range.access.users import User
from irkit.drill.range.answer import Json, encode
from irkit.drill.range.request import Ask
from irkit.times import rfc3339

# Bodies of these would put secrets into the log.
_SILENT = ("secrets", "configmaps", "serviceaccounts/token")
_CHANGES = ("create", "update", "patch", "delete", "deletecollection")
# Kinds whose creation is a question, not a change: never at RequestResponse on a sensible policy.
_REVIEWS = ("authorization.k8s.io", "authentication.k8s.io")


@dataclass
class Record:
    """What is known of one request by the time it ends."""

    audit_id: str
    ask: Ask
    uri: str
    agent: str
    address: str
    received: datetime
    user: User | None = None  # None: the credentials were refused
    acting: User | None = None  # None: nobody is impersonated
    reason: str | None = None  # None: forbidden
    request: Json | None = None  # None: no body
    response: Json | None = None  # None: a stream or a text
    code: int = 200
    failure: Json | None = None  # None: the request succeeded


class AuditLog:
    """A growing file of JSON lines; `tell` also hands each event to whoever listens."""

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self.path, self._clock = path, clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def write(self, event: Json) -> None:
        """Append one event, whole."""
        self._file.write(encode(event))

    def seed(self, lines: bytes) -> None:
        """Append what happened before the range started."""
        self._file.write(lines)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def record(self, record: Record, stage: str = "ResponseComplete") -> None:
        """Write the event of one request at `stage`."""
        level = level_of(record.ask)
        event: Json = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": level,
            "auditID": record.audit_id,
            "stage": stage,
            "requestURI": record.uri,
            "verb": record.ask.verb,
            "user": record.user.info() if record.user else {},
        }
        if record.acting:
            event["impersonatedUser"] = record.acting.info()
        event["sourceIPs"] = [record.address]
        event["userAgent"] = record.agent
        event |= _about(record)
        if level == "RequestResponse":
            bodies = {"requestObject": record.request, "responseObject": record.response}
            event |= {key: body for key, body in bodies.items() if body is not None}
        event["requestReceivedTimestamp"] = rfc3339(record.received)
        event["stageTimestamp"] = rfc3339(self._clock())
        event["annotations"] = _decision(record)
        self.write(event)


def level_of(ask: Ask) -> str:
    """The policy in one place: secrets and reads Metadata, changes RequestResponse."""
    resource = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    if ask.verb not in _CHANGES or resource in _SILENT or ask.group in _REVIEWS:
        return "Metadata"
    return "RequestResponse"


def _decision(record: Record) -> Json:
    if record.user is None:
        return {}
    decision = "forbid" if record.reason is None else "allow"
    return {"authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": record.reason or ""}


def _about(record: Record) -> Json:
    ask, answered = record.ask, (record.response or {}).get("metadata") or {}
    status: Json = {"metadata": {}, "code": record.code}
    if record.failure:
        status |= {
            key: record.failure[key] for key in ("status", "message", "reason", "details") if key in record.failure
        }
    if not ask.resource:
        return {"responseStatus": status}
    reference = {
        "resource": ask.resource,
        "namespace": ask.namespace,
        "name": ask.name or (answered.get("name", "") if ask.verb == "create" else ""),
        "uid": answered.get("uid", "") if ask.verb in _CHANGES else "",
        "apiGroup": ask.group,
        "apiVersion": ask.version,
        "subresource": ask.subresource,
    }
    return {"objectRef": {key: value for key, value in reference.items() if value}, "responseStatus": status}
