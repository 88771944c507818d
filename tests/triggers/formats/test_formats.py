"""Bytes in, alerts or BadAlert out, nothing else; and the same alert has the same key, another has another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import UsageError
from irkit.model import codec
from irkit.model.alert import Alert, AlertStatus, BadAlert
from irkit.model.audit import Severity
from irkit.model.pod import PodRef
from irkit.triggers.formats import registry
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery, Format
from tests.triggers.formats.deliveries import AT, CLOUD_EVENT, alertmanager, guardduty, parsed

FALCO: dict[str, Any] = {
    "time": "2026-11-24T03:00:00.123456789Z", "rule": "Terminal shell in container", "priority": "Notice",
    "source": "syscall", "hostname": "node-1", "output": "a shell", "tags": ["mitre_execution"],
    "output_fields": {"k8s.ns.name": "payments", "k8s.pod.name": "api-1", "proc.pid": 7, "user.name": None},
}  # fmt: skip
PAGE: dict[str, Any] = {
    "event": {
        "id": "01A", "event_type": "incident.resolved", "occurred_at": "2026-11-24T03:00:00Z",
        "data": {"id": "Q1", "title": "t", "urgency": "high", "priority": {"summary": "P1"}},
    }
}  # fmt: skip
FINDING: dict[str, Any] = {
    "accountId": "1", "region": "eu-west-1", "id": "f1", "type": "Execution:Kubernetes/ExecInKubeSystemPod",
    "severity": 9.5, "createdAt": "2026-11-24T02:00:00Z", "updatedAt": "2026-11-24T03:00:00Z", "title": "exec",
    "resource": {"kubernetesDetails": {"kubernetesWorkloadDetails": {"name": "p", "namespace": "n", "type": "pods"}}},
    "service": {"archived": False, "runtimeDetails": {"process": {"name": "xmrig", "pid": 9}}},
}  # fmt: skip
EXEC: dict[str, Any] = {
    "level": "Metadata", "auditID": "u-1", "stage": "ResponseComplete", "verb": "create",
    "requestURI": "/api/v1/namespaces/payments/pods/api-1/exec?command=sh", "user": {"username": "eve"},
    "objectRef": {"resource": "pods", "namespace": "payments", "name": "api-1", "subresource": "exec"},
    "responseStatus": {"code": 101}, "requestReceivedTimestamp": "2026-11-24T03:00:00Z",
}  # fmt: skip
AUDIT: dict[str, Any] = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [EXEC]}
EVENT: dict[str, Any] = {
    "specversion": "1.0", "id": "1", "source": "/s", "type": "com.example.shell", "severity": "high",
    "data": {"namespace": "payments", "pod": "api-1", "summary": "x"},
}  # fmt: skip
HOOK = {
    "type": "alert.fired",
    "data": {"status": "resolved", "severity": "P2", "summary": "x", "namespace": "a", "pod": "b"},
}
HOOK_HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "1795834800"}
GOOD: dict[str, tuple[Any, dict[str, str]]] = {
    "alertmanager": (alertmanager(), {}),
    "grafana": (alertmanager() | {"version": "1", "orgId": 1}, {}),
    "falco": (FALCO, {}),
    "falcosidekick": (FALCO | {"uuid": "5d1f"}, {}),
    "pagerduty": (PAGE, {}),
    "guardduty": (guardduty(FINDING), {}),
    "sns": ({"Type": "Notification", "TopicArn": "arn:a", "Message": json.dumps(guardduty(FINDING))}, {}),
    "cloudevents": (EVENT, CLOUD_EVENT),
    "standard-webhooks": (HOOK, HOOK_HEADERS),
    "kubernetes-audit": (AUDIT, {}),
}
KINDS = pytest.mark.parametrize("kind", registry.FORMATS, ids=lambda kind: kind.name)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["4", "1", "1.0", "firing"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def only_alerts_or_refused(kind: Format, body: bytes, headers: dict[str, str]) -> None:
    """Whatever is raised but BadAlert fails the test, and what comes out can be kept."""
    try:
        alerts = registry.parse(kind, Delivery("test", body, AT, headers))
    except BadAlert:
        return
    for alert in alerts:
        assert isinstance(alert, Alert)
        assert codec.build(Alert, codec.plain(alert)) == alert
        assert json.loads(codec.compact(alert))["key"] == alert.key


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything within `value`, itself first."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        yield from places(part, (*path, key))


def put(value: Any, path: tuple[str | int, ...], new: object) -> Any:  # noqa: ANN401 - JSON of any shape
    """A copy of `value` with `new` at `path`."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@KINDS
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()), headers=st.data())
def test_any_bytes(kind: Format, body: bytes, headers: st.DataObject) -> None:
    names = st.sampled_from(["content-type", "ce-id", "ce-type", "ce-specversion", "webhook-id", "webhook-timestamp"])
    values = st.text(max_size=20) | st.sampled_from([*CLOUD_EVENT.values(), "1.0", "17"])
    only_alerts_or_refused(kind, body, headers.draw(st.dictionaries(names, values)))


@KINDS
@settings(max_examples=200)
@given(data=st.data())
def test_any_change_of_a_good_one(kind: Format, data: st.DataObject) -> None:
    body, headers = GOOD[kind.name]
    for _ in range(data.draw(st.integers(1, 3))):
        body = put(body, data.draw(st.sampled_from(list(places(body)))), data.draw(JSON))
    only_alerts_or_refused(kind, json.dumps(body).encode(), headers)


@KINDS
def test_a_good_one_is_one_alert_with_one_key(kind: Format) -> None:
    body, headers = GOOD[kind.name]
    (alert,) = parsed(kind.name, body, headers)
    (again,) = parsed(kind.name, json.dumps(body, indent=2, sort_keys=True).encode(), headers)
    assert alert.key == again.key
    assert len(alert.key) == 64
    assert alert.pod is not None or kind.name == "pagerduty"
    assert alert.summary


def test_every_format_has_an_example() -> None:
    assert set(GOOD) == {kind.name for kind in registry.FORMATS}


def test_what_makes_an_alertmanager_alert_another() -> None:
    def key(**change: object) -> str:
        return parsed("alertmanager", alertmanager(**change))[0].key

    same = key()
    assert same == key(startsAt="2026-11-24T03:59:00+01:00")  # another zone
    assert same == key(annotations={"summary": "told in other words"})
    others = [key(status="resolved"), key(startsAt="2026-11-24T03:59:00Z"), key(fingerprint="ff")]
    assert len({same, *others}) == 4
    assert key(fingerprint="", labels={"a": "b"}) != key(fingerprint="", labels={"a": "c"})


def test_grafana_of_two_organisations() -> None:
    bodies = [alertmanager() | {"version": "1", "orgId": number} for number in (1, 2)]
    assert len({parsed("grafana", body)[0].key for body in bodies}) == 2


def test_the_pod_an_exporter_tells_about_is_meant_not_the_exporter() -> None:
    labels = {"namespace": "monitoring", "pod": "kube-state-metrics-0"}
    (alert,) = parsed("alertmanager", alertmanager(labels=labels | {"exported_namespace": "a", "exported_pod": "b"}))
    assert alert.pod == PodRef("a", "b")
    (alert,) = parsed("alertmanager", alertmanager(labels=labels | {"exported_namespace": "a"}))
    assert alert.pod is None


@pytest.mark.parametrize("name", ["Upper", "../../etc", "a" * 254, "a\nb", "", "<NA>"])
def test_a_name_no_pod_can_have_is_no_pod(name: str) -> None:
    (alert,) = parsed("falco", FALCO | {"output_fields": {"k8s.ns.name": "payments", "k8s.pod.name": name}})
    assert alert.pod is None


def test_falco_and_falcosidekick_before_it_had_uuids_share_a_key() -> None:
    assert parsed("falco", FALCO)[0].key == parsed("falcosidekick", FALCO)[0].key
    later = FALCO | {"time": "2026-11-24T03:00:00.123456790Z"}  # one nanosecond
    assert parsed("falco", later)[0].key != parsed("falco", FALCO)[0].key


def test_pagerduty_resolved_with_priority() -> None:
    (alert,) = parsed("pagerduty", PAGE)
    assert (alert.status, alert.severity) == (AlertStatus.RESOLVED, Severity.CRITICAL)


def test_guardduty_updated_is_another_and_carries_the_process() -> None:
    (alert,) = parsed("guardduty", guardduty(FINDING))
    (later,) = parsed("guardduty", guardduty(FINDING | {"updatedAt": "2026-11-24T04:00:00Z"}))
    (by_sns,) = parsed("sns", *GOOD["sns"])
    assert alert.key == by_sns.key != later.key
    assert (alert.severity, alert.labels["runtime.process.name"]) == (Severity.CRITICAL, "xmrig")


def test_an_sns_subscription_waits_for_a_person() -> None:
    with pytest.raises(BadAlert, match="waits to be confirmed"):
        parsed(
            "sns", {"Type": "SubscriptionConfirmation", "TopicArn": "arn:a", "SubscribeURL": "https://x", "Token": "t"}
        )


def test_cloudevents_binary_and_structured_say_the_same() -> None:
    headers = {f"ce-{name}": str(value) for name, value in EVENT.items() if name != "data"}
    binary = parsed("cloudevents", EVENT["data"], headers | {"content-type": "application/json; charset=utf-8"})
    assert binary[0].key == parsed("cloudevents", EVENT, CLOUD_EVENT)[0].key
    assert (binary[0].severity, binary[0].pod, binary[0].at) == (Severity.HIGH, PodRef("payments", "api-1"), AT)
    with pytest.raises(BadAlert, match="only JSON"):
        parsed("cloudevents", EVENT, {"content-type": "application/cloudevents+avro"})


def test_an_audit_batch_gives_what_detections_recognise() -> None:
    boring = EXEC | {"auditID": "u-2", "verb": "get", "objectRef": {"resource": "configmaps", "namespace": "a"}}
    early = EXEC | {"auditID": "u-3", "stage": "RequestReceived"}
    alerts = parsed("kubernetes-audit", AUDIT | {"items": [boring, EXEC, early]})
    assert {alert.labels["audit_id"] for alert in alerts} == {"u-1"}
    assert {alert.pod for alert in alerts} == {PodRef("payments", "api-1")}
    assert {alert.labels["actor"] for alert in alerts} == {"eve"}


@given(st.lists(st.text()), st.lists(st.text()))
def test_keys_are_equal_for_equal_parts_only(one: list[str], other: list[str]) -> None:
    assert (fields.key(*one) == fields.key(*other)) == (one == other)


@pytest.mark.parametrize(("word", "severity"), [("CRITICAL", "critical"), ("Warn", "medium"), ("whatever", "low")])
def test_severities(word: str, severity: str) -> None:
    assert fields.severity(word) == severity


@pytest.mark.parametrize(
    ("kind", "body", "headers", "why"),
    [
        ("alertmanager", alertmanager(status="pending"), {}, "status"),
        ("alertmanager", alertmanager(status="", endsAt="2026-11-24T03:00:00Z"), {}, "status"),
        ("alertmanager", alertmanager(labels={"a": 1}), {}, "labels: an object of texts"),
        ("alertmanager", alertmanager(annotations={f"n{n}": "" for n in range(1001)}), {}, "more than 1000"),
        ("grafana", alertmanager() | {"version": "1"}, {}, "orgId"),
        ("falco", FALCO | {"priority": "Grave"}, {}, "priority"),
        ("falco", FALCO | {"output_fields": {"a.b": 1, "a": {"b": 2}}}, {}, "two fields have one path"),
        ("guardduty", guardduty(FINDING | {"severity": True}), {}, "severity"),
        ("sns", {"Type": "UnsubscribeConfirmation", "TopicArn": "arn:a"}, {}, "Type"),
        ("cloudevents", {"a": 1}, {"content-type": "application/cloudevents-batch+json"}, "a batch is a list"),
        ("cloudevents", EVENT | {"data_base64": "e30="}, CLOUD_EVENT, "exclude"),
        ("cloudevents", EVENT | {"Loud": "1"}, CLOUD_EVENT, "does not allow"),
        ("cloudevents", b"", {"ce-specversion": "1.0", "ce-id": "%ff"}, "not UTF-8"),
        ("standard-webhooks", HOOK, HOOK_HEADERS | {"webhook-timestamp": "soon"}, "webhook-timestamp"),
        ("kubernetes-audit", AUDIT | {"kind": "Event"}, {}, "EventList"),
        ("kubernetes-audit", AUDIT | {"items": [{"kind": "Pod"}]}, {}, "an audit event"),
    ],
)
def test_refused(kind: str, body: object, headers: dict[str, str], why: str) -> None:
    with pytest.raises(BadAlert, match=why):
        parsed(kind, body, headers)


def test_audit_events_that_no_verb_gives_away() -> None:
    refused = EXEC | {"responseStatus": {"code": 403}, "verb": "list"}
    anonymous = EXEC | {"user": {"username": "system:anonymous"}, "verb": "get", "objectRef": {"resource": "pods"}}
    posing = EXEC | {"impersonatedUser": {"username": "system:admin"}, "verb": "get"}
    for event in (refused, anonymous, posing):
        for alert in parsed("kubernetes-audit", AUDIT | {"items": [event]}):
            assert alert.labels["stage"] == "ResponseComplete"
    assert parsed("kubernetes-audit", AUDIT | {"items": [anonymous]})


def test_a_body_over_the_cap_and_a_format_that_is_none() -> None:
    with pytest.raises(BadAlert, match="larger"):
        parsed("falco", b" " * ((1 << 20) + 1))
    with pytest.raises(UsageError, match="no such format"):
        registry.format_named("smoke-signals")
