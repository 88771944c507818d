"""Deliveries for tests: bytes as each sender sends them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from irkit.model.alert import Alert
from irkit.triggers.formats import registry
from irkit.triggers.formats.reading.delivery import Delivery
from tests.corpus import ROOT, absent

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CLOUD_EVENT = {"content-type": "application/cloudevents+json"}
CLOUD_BATCH = {"content-type": "application/cloudevents-batch+json"}


def corpus(name: str) -> Path:
    """A file or folder under alerts/ of the corpus; skips where there is none."""
    root = ROOT / "alerts"
    if not root.is_dir():
        pytest.skip(absent(root))
    return root / name


def corpus_json(name: str) -> Any:  # noqa: ANN401 - JSON of any shape
    return json.loads(corpus(name).read_bytes())


def parsed(kind: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[Alert, ...]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return registry.parse(registry.format_named(kind), Delivery("test", raw, AT, headers or {}))


def alertmanager(**change: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON of any shape
    """A group of one alert; `change` overrides parts of that alert."""
    alert: dict[str, Any] = {
        "status": "firing",
        "labels": {"alertname": "KubePodCrashLooping", "namespace": "payments", "pod": "api-1", "severity": "critical"},
        "annotations": {"summary": "it crashes"},
        "startsAt": "2026-11-24T02:59:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "a1b2c3d4e5f60718",
    }
    return {"version": "4", "status": "firing", "alerts": [alert | change]}


def guardduty(finding: dict[str, Any]) -> dict[str, Any]:
    """A finding as EventBridge wraps it."""
    return {
        "version": "0", "id": "e1", "detail-type": "GuardDuty Finding", "source": "aws.guardduty",
        "account": finding["accountId"], "region": finding["region"], "time": "2026-11-24T03:00:00Z",
        "resources": [], "detail": finding,
    }  # fmt: skip
