"""Audit events for tests, shaped as a 1.37 API server writes them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from irkit.model.pod import Target

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
UID = "0c5c7fd0-a6a3-4450-a513-270e269e0d37"
OTHER = "99999999-a6a3-4450-a513-270e269e0d37"
POD_UID = "authentication.kubernetes.io/pod-uid"
CREDENTIAL = "authentication.kubernetes.io/credential-id"
Event = dict[str, Any]

TARGET = Target("payments", "web-1", UID, service_account="web", created=START)


def at(seconds: float) -> str:
    """`seconds` after the pod was created, as an API server writes it."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(
    verb: str = "get",
    resource: str = "pods",
    name: str = "web-1",
    namespace: str = "payments",
    *,
    seconds: float = 10,
    user: str = "alice",
    code: int = 200,
    sub: str = "",
    uid: str = "",
    extra: dict[str, list[str]] | None = None,
    audit_id: str = "",
    **more: Any,  # noqa: ANN401 - fields as they are
) -> Event:
    """One event; `more` adds or replaces top-level fields."""
    ref = {
        "resource": resource,
        "namespace": namespace,
        "name": name,
        "uid": uid,
        "subresource": sub,
        "apiVersion": "v1",
    }
    who: Event = {"username": user, "groups": ["system:authenticated"]}
    if extra:
        who["extra"] = extra
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": audit_id or f"id-{verb}-{resource}-{name}-{sub}-{seconds}-{user}",
        "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/{namespace}/{resource}/{name}{sub and '/' + sub}",
        "verb": verb,
        "user": who,
        "sourceIPs": ["10.0.0.9"],
        "userAgent": "kubectl/v1.37.2",
        "objectRef": {key: value for key, value in ref.items() if value},
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": at(seconds),
        "stageTimestamp": at(seconds + 0.003),
        "annotations": {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow"},
        **more,
    }


def line(one: Event) -> bytes:
    """`one` as Go's encoder writes it."""
    return json.dumps(one, separators=(",", ":")).encode().replace(b"&", b"\\u0026") + b"\n"


def log(path: Path, events: Iterable[Event | bytes]) -> Path:
    """A log of events and raw lines; gzipped where the name says so."""
    data = b"".join(one if isinstance(one, bytes) else line(one) for one in events)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
