"""Events whose data irkit's user shapes: what irkit understands of any JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from irkit.model.alert import Alert, AlertStatus, BadAlert
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.fields import Json


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the transport tells about the event."""

    key: str
    name: str
    at: datetime
    labels: dict[str, str]


def alert(envelope: Envelope, data: Any, delivery: Delivery) -> Alert:  # noqa: ANN401 - JSON of any shape
    """The event with `data`: its `status`, `severity`, `summary`, `namespace` and `pod`, where it is an object.

    Every scalar in it is a label under its path; labels of the envelope win. Raises BadAlert.
    """
    body: Json = data if isinstance(data, dict) else {}
    status = fields.text(body, "status", AlertStatus.FIRING)
    if status not in AlertStatus.__members__.values():
        raise BadAlert("status: firing or resolved is expected")
    return Alert(
        source=delivery.source,
        key=envelope.key,
        status=AlertStatus(status),
        severity=fields.severity(envelope.labels.get("severity") or body.get("severity")),
        at=envelope.at,
        name=envelope.name,
        summary=fields.text(body, "summary", ""),
        raw_sha256=delivery.sha256,
        labels=fields.labels(body) | envelope.labels,
        pod=fields.pod(body.get("namespace"), body.get("pod")),
    )
