"""GuardDuty's findings: as EventBridge sends them, and in an SNS notification."""

from __future__ import annotations

from typing import Any

from irkit import times
from irkit.model.alert import Alert, AlertStatus, BadAlert
from irkit.model.audit import Severity
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.fields import Json
from irkit.triggers.formats.reading.strict import read

# https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html: the least of each.
_LEAST = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (1.0, Severity.LOW))


def parse(delivery: Delivery) -> tuple[Alert, ...]:
    """The finding in an EventBridge event; raises BadAlert."""
    return (_alert(fields.obj(read(delivery.body), "body"), delivery),)


def parse_sns(delivery: Delivery) -> tuple[Alert, ...]:
    """The finding in an SNS notification of an EventBridge event; raises BadAlert.

    Authentication has checked signature and topic. A subscription is confirmed by a person, not by following a URL
    that came with a request.
    """
    data = fields.obj(read(delivery.body), "body")
    kind, topic = fields.text(data, "Type"), fields.text(data, "TopicArn")
    if kind == "SubscriptionConfirmation":
        raise BadAlert("an SNS subscription waits to be confirmed", f"aws sns confirm-subscription --topic-arn {topic}")
    if kind != "Notification":
        raise BadAlert("Type: Notification is expected")
    return (_alert(fields.obj(read(fields.text(data, "Message").encode()), "Message"), delivery),)


def _alert(event: Json, delivery: Delivery) -> Alert:
    if event.get("source") != "aws.guardduty" or event.get("detail-type") != "GuardDuty Finding":
        raise BadAlert("not an EventBridge event with a GuardDuty finding")
    detail = fields.obj(event.get("detail"), "detail")
    account, region, mark = fields.text(event, "account"), fields.text(event, "region"), fields.text(detail, "id")
    at, updated = fields.instant(detail, "createdAt"), fields.instant(detail, "updatedAt")
    workload = _workload(detail)
    kind, name, namespace = (fields.text(workload, part, "") for part in ("type", "name", "namespace"))
    labels = {"account": account, "region": region, "finding": mark, "type": fields.text(detail, "type")}
    labels |= {"cluster": _text_at(detail, "resource", "eksClusterDetails", "name"), "sample": _sample(detail)}
    labels |= {f"workload.{part}": value for part, value in (("type", kind), ("name", name), ("namespace", namespace))}
    labels |= {f"runtime.{part}": value for part, value in _runtime(detail).items()}
    return Alert(
        source=delivery.source,
        key=fields.key(account, region, mark, times.rfc3339(updated)),
        status=AlertStatus.RESOLVED if _at(detail, "service", "archived") is True else AlertStatus.FIRING,
        severity=Severity.INFO if labels["sample"] else _severity(detail),
        at=at,
        name=labels["type"],
        summary=fields.text(detail, "title", "") or fields.text(detail, "description", ""),
        raw_sha256=delivery.sha256,
        labels={name: value for name, value in labels.items() if value},
        pod=fields.pod(namespace, name) if kind in ("pods", "pod") else None,
    )


def _severity(detail: Json) -> Severity:
    number = detail.get("severity")
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise BadAlert("severity: a number is expected")
    return next((word for least, word in _LEAST if number >= least), Severity.INFO)


def _workload(detail: Json) -> Json:
    found = _at(detail, "resource", "kubernetesDetails", "kubernetesWorkloadDetails")
    return fields.obj(found or {}, "kubernetesWorkloadDetails")


def _runtime(detail: Json) -> dict[str, str]:
    """What the process was, from runtime monitoring."""
    return fields.labels({"process": _at(detail, "service", "runtimeDetails", "process")})


def _sample(detail: Json) -> str:
    """The word true for a finding generated to try things out (it names workloads that do not exist), else nothing."""
    return "true" if _at(detail, "service", "additionalInfo", "sample") is True else ""


def _text_at(data: Any, *path: str) -> str:  # noqa: ANN401 - JSON of any shape
    return found if isinstance(found := _at(data, *path), str) else ""


def _at(data: Any, *path: str) -> Any:  # noqa: ANN401 - JSON of any shape
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data
