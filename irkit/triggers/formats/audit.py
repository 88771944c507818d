"""The API server's audit webhook: batches of events, of which only what a detection recognises is an alert."""

from __future__ import annotations

from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Rule
from irkit.audit.read.event import Event, decode
from irkit.model.alert import Alert, AlertStatus, BadAlert
from irkit.model.codec import compact
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.strict import read

# The webhook's batch is at most 10 MiB by default (--audit-webhook-truncate-max-batch-size) and objects nest deep.
CAP = 12 << 20
DEPTH = 100
# The others need what other batches held: `irkit audit detect` judges by them, with the whole log at hand.
_JUDGING = tuple(rule for rule in RULES if rule.at_once)


def parse(delivery: Delivery) -> tuple[Alert, ...]:
    """One alert for each event and detection that fires on it; raises BadAlert."""
    batch = fields.obj(read(delivery.body, CAP, DEPTH), "body")
    if batch.get("kind") != "EventList" or batch.get("apiVersion") != "audit.k8s.io/v1":
        raise BadAlert("an EventList of audit.k8s.io/v1 is expected")
    return tuple(alert for item in fields.items(batch, "items") for alert in _alerts(item, delivery))


def _alerts(item: object, delivery: Delivery) -> tuple[Alert, ...]:
    event = decode(compact(item))
    if event is None or not (event.auditID and event.stage):
        raise BadAlert("items: an audit event is expected")
    if event.stage == "RequestReceived":  # the same request is told again when it is answered
        return ()
    told = ((rule, rule.fires(event)) for rule in _JUDGING if rule.asks(event))
    return tuple(_alert(rule, why, event, delivery) for rule, why in told if why)


def _alert(rule: Rule, why: str, event: Event, delivery: Delivery) -> Alert:
    ref = event.ref
    labels = {
        "audit_id": event.auditID,
        "stage": event.stage,
        "technique": rule.techniques[0],
        "actor": event.who.username,
        "verb": event.verb,
        "target": str(ref),
        "actor.pod": event.who.first("authentication.kubernetes.io/pod-name"),
    }
    return Alert(
        source=delivery.source,
        key=fields.key(event.auditID, event.stage, rule.id),
        status=AlertStatus.FIRING,
        severity=rule.severity,
        at=event.received or event.written or delivery.received,
        name=rule.id,
        summary=why,
        raw_sha256=delivery.sha256,
        labels={name: value for name, value in labels.items() if value},
        pod=fields.pod(ref.namespace, ref.name) if ref.resource == "pods" else None,
    )
