"""Alertmanager's webhook, version 4: groups of alerts, firing and resolved."""

from __future__ import annotations

from irkit import times
from irkit.model.alert import Alert, AlertStatus, BadAlert
from irkit.model.pod import PodRef
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.fields import Json
from irkit.triggers.formats.reading.strict import read


def parse(delivery: Delivery) -> tuple[Alert, ...]:
    """Every alert of the group; raises BadAlert."""
    data = fields.obj(read(delivery.body), "body")
    if data.get("version") != "4":
        raise BadAlert('version: "4" is expected')
    return tuple(of(fields.obj(one, "alerts"), delivery) for one in fields.items(data, "alerts"))


def of(data: Json, delivery: Delivery, *scope: str) -> Alert:
    """One alert of a group; `scope` sets apart senders whose fingerprints could collide."""
    labels, notes = fields.texts(data, "labels"), fields.texts(data, "annotations")
    status = status_of(data)
    at = fields.instant(data, "startsAt")
    # Before Alertmanager 0.16 there was no fingerprint: it is a hash of the labels, and so is this.
    mark = fields.text(data, "fingerprint", "") or fields.key(
        *(part for pair in sorted(labels.items()) for part in pair)
    )
    return Alert(
        source=delivery.source,
        # The instant, not its text: after a restart Alertmanager may write the same one in another zone.
        key=fields.key(*scope, mark, times.rfc3339(at), status),
        status=status,
        severity=fields.severity(labels.get("severity", "")),
        at=at,
        name=labels.get("alertname", ""),
        summary=notes.get("summary") or notes.get("description") or notes.get("message") or "",
        raw_sha256=delivery.sha256,
        labels=labels | {f"annotations.{name}": note for name, note in notes.items()},
        pod=pod_of(labels),
    )


def status_of(data: Json) -> AlertStatus:
    """The alert's own status; before Alertmanager 0.5 it had only an end, Go's zero time while there was none."""
    word = fields.text(data, "status", "")
    if word in AlertStatus.__members__.values():
        return AlertStatus(word)
    if word or not fields.text(data, "endsAt", "0001-").startswith("0001-"):
        raise BadAlert("status: firing or resolved is expected")
    return AlertStatus.FIRING


def pod_of(labels: dict[str, str]) -> PodRef | None:
    """The pod an alert is about.

    A metric told by an exporter about another pod bears that pod as `exported_pod`, and the exporter's own as `pod`,
    unless Prometheus scrapes with honor_labels: with either exported label there, only those are believed.
    """
    prefix = "exported_" if "exported_pod" in labels or "exported_namespace" in labels else ""
    return fields.pod(labels.get(f"{prefix}namespace"), labels.get(f"{prefix}pod"))
