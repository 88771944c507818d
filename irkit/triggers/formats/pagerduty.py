"""PagerDuty's webhooks, version 3: one event about one incident."""

from __future__ import annotations

from irkit.model.alert import Alert, AlertStatus
from irkit.model.audit import Severity
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.fields import Json
from irkit.triggers.formats.reading.strict import read

# Every other event is about people at work on the incident, or a ping: it starts and ends nothing.
_STATUS = {
    "incident.triggered": AlertStatus.FIRING,
    "incident.reopened": AlertStatus.FIRING,
    "incident.resolved": AlertStatus.RESOLVED,
}


def parse(delivery: Delivery) -> tuple[Alert, ...]:
    """The incident that begins or ends; nothing for a ping or other news of it. Raises BadAlert."""
    event = fields.obj(fields.obj(read(delivery.body), "body").get("event"), "event")
    data = fields.obj(event.get("data"), "data")
    mark, kind, at = fields.text(event, "id"), fields.text(event, "event_type"), fields.instant(event, "occurred_at")
    if kind not in _STATUS:
        return ()
    labels = {"incident": fields.text(data, "id"), "event_type": kind}
    labels |= {name: fields.text(data, name, "") for name in ("incident_key", "html_url", "urgency")}
    labels |= {name: _summary(data, name) for name in ("service", "priority")}
    alert = Alert(
        source=delivery.source,
        key=fields.key(mark),
        status=_STATUS[kind],
        severity=_severity(data),
        at=at,
        name=labels["service"],
        summary=fields.text(data, "title", ""),
        raw_sha256=delivery.sha256,
        labels={name: value for name, value in labels.items() if value},
    )
    return (alert,)


def _summary(data: Json, name: str) -> str:
    return fields.text(fields.obj(data.get(name) or {}, name), "summary", "")


def _severity(data: Json) -> Severity:
    """By the incident's priority where the account has such, else by its urgency."""
    return fields.severity(_summary(data, "priority") or fields.text(data, "urgency", ""))
