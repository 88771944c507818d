"""Falco's JSON, one event a delivery: by http_output, by falcosidekick, and line by line in its file."""

from __future__ import annotations

from irkit.model.alert import Alert, AlertStatus, BadAlert
from irkit.model.audit import Severity
from irkit.model.codec import compact
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.fields import Json
from irkit.triggers.formats.reading.strict import read

# https://falco.org/docs/concepts/rules/basic-elements/#priority: a closed list, "info" being an accepted short form.
_PRIORITIES = {
    "emergency": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "notice": Severity.LOW,
    "informational": Severity.INFO,
    "info": Severity.INFO,
    "debug": Severity.INFO,
}


def parse(delivery: Delivery) -> tuple[Alert, ...]:
    """The event as Falco writes it; raises BadAlert."""
    data = fields.obj(read(delivery.body), "body")
    return (_alert(data, _content(data), delivery),)


def parse_sidekick(delivery: Delivery) -> tuple[Alert, ...]:
    """The event as falcosidekick passes it on, with a uuid of its own; raises BadAlert."""
    data = fields.obj(read(delivery.body), "body")
    # Up to falcosidekick 2.24 there was no uuid; then the event's content tells it, as with Falco itself.
    uuid = fields.text(data, "uuid", "")
    return (_alert(data, fields.key(uuid) if uuid else _content(data), delivery),)


def _content(data: Json) -> str:
    """The key of an event that bears no id: its time (in nanoseconds, as text), host, rule and fields."""
    what = compact(data.get("output_fields") or {}).decode()
    return fields.key(fields.text(data, "time"), fields.text(data, "hostname", ""), fields.text(data, "rule"), what)


def _alert(data: Json, key: str, delivery: Delivery) -> Alert:
    priority = _PRIORITIES.get(fields.text(data, "priority").lower())
    if priority is None:
        raise BadAlert("priority: none of Falco's")
    seen = fields.labels(fields.obj(data.get("output_fields") or {}, "output_fields"))
    known = {name: fields.text(data, name, "") for name in ("priority", "hostname", "source")}
    return Alert(
        source=delivery.source,
        key=key,
        status=AlertStatus.FIRING,
        severity=priority,
        at=fields.instant(data, "time"),
        name=fields.text(data, "rule"),
        summary=fields.text(data, "output", "") or fields.text(data, "message", ""),
        raw_sha256=delivery.sha256,
        labels=fields.labels({"tags": data.get("tags")}) | seen | {name: word for name, word in known.items() if word},
        pod=fields.pod(seen.get("k8s.ns.name"), seen.get("k8s.pod.name")),
    )
