"""Every payload of the corpus is parsed, or refused, as it should be: an expectation for each."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ruamel.yaml import YAML

from irkit.model.alert import AlertStatus, BadAlert
from irkit.model.audit import Severity
from irkit.model.pod import PodRef
from tests.triggers.formats.deliveries import CLOUD_BATCH, CLOUD_EVENT, corpus, corpus_json, guardduty, parsed

FILES = {
    "Aldaviva__PagerDuty/pagerduty_v3_signed_open.json",
    "DefectDojo__django-DefectDojo/Unusual_Behaviors-User-Persistence_IAMUser-NetworkPermissions.json",
    "alerta__alerta/webhooks_open.json",
    "aws-samples__cdk-eks-blueprints-patterns/guardduty_getfindings.json",
    "cloudevents__conformance/yaml/v03.yaml",
    "cloudevents__conformance/yaml/v1.0/v1_minimum.yaml",
    "cloudevents__spec/cloudevents.json",
    "cloudevents__spec/cloudevents_json_examples.json",
    "falcosecurity__falco-talon/falco_talon_examples.json",
    "falcosecurity__falcosidekick/falcosidekick_test_payloads.json",
    "inCaller__prometheus_bot/emptyValue.json",
    "inCaller__prometheus_bot/production_example.json",
    "inCaller__prometheus_bot/simpe.json",
    "nudgebee__nudgebee/prometheus_alertmanager_wehbook.payloads.json",
    "panther-labs__panther-analysis/aws_guardduty_high_sev_findings.tests.json",
    "panther-labs__panther-analysis/aws_guardduty_low_sev_findings.tests.json",
    "panther-labs__panther-analysis/aws_guardduty_med_sev_findings.tests.json",
    "prometheus-msteams__prometheus-msteams/prom_post_request.json",
}


def test_no_file_of_the_corpus_is_without_an_expectation() -> None:
    root = corpus("")
    assert {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} == FILES


@pytest.mark.parametrize("name", ["emptyValue", "production_example", "simpe"])
def test_alertmanager_before_version_4_is_refused(name: str) -> None:
    with pytest.raises(BadAlert, match="version"):
        parsed("alertmanager", corpus(f"inCaller__prometheus_bot/{name}.json").read_bytes())


def test_alertmanager_without_status_and_fingerprint() -> None:
    body = corpus("prometheus-msteams__prometheus-msteams/prom_post_request.json").read_bytes()
    (alert,) = parsed("alertmanager", body)
    assert (alert.name, alert.status, alert.severity, alert.pod) == (
        "high_memory_load", AlertStatus.FIRING, Severity.MEDIUM, None,
    )  # fmt: skip
    assert alert.at.isoformat() == "2018-03-07T11:33:21.873077+00:00"


def test_alertmanager_of_victoria_metrics() -> None:
    bodies = corpus_json("nudgebee__nudgebee/prometheus_alertmanager_wehbook.payloads.json")
    (alert,) = parsed("alertmanager", bodies["prometheusAlertManagerWebhookPayload"])
    assert alert.pod == PodRef("victoria", "vmalertmanager-victoria-victoria-metrics-k8s-stack-0")
    assert (alert.severity, alert.summary) == (Severity.INFO, "Processes experience elevated CPU throttling.")


def test_alerta_holds_one_alertmanager_and_three_that_are_refused() -> None:
    bodies = corpus_json("alerta__alerta/webhooks_open.json")
    (alert,) = parsed("alertmanager", bodies.pop("prometheus_v4_alert"))
    assert (alert.name, alert.severity) == ("thing_dead", Severity.CRITICAL)
    assert alert.summary == "No things for over 10 minutes"
    for name in ("grafana_alert_alerting", "grafana_alert_ok"):
        with pytest.raises(BadAlert, match="legacy alerting"):
            parsed("grafana", bodies.pop(name))
    with pytest.raises(BadAlert, match="not an EventBridge event"):  # a CloudWatch alarm
        parsed("sns", bodies.pop("cloudwatch_notification"))
    assert bodies == {}


def test_falco_as_falcosidekick_gets_it() -> None:
    bodies = corpus_json("falcosecurity__falcosidekick/falcosidekick_test_payloads.json")
    for kind in ("falco", "falcosidekick"):
        alerts = [alert for body in bodies.values() for alert in parsed(kind, body)]
        assert [alert.severity for alert in alerts] == [Severity.INFO] * 5
        assert len({alert.key for alert in alerts}) == 5
    assert alerts[3].labels["tags.1"] == "example"
    assert alerts[3].labels["proc.tty"] == "1234"


def test_falco_talon_names_the_rule_as_no_falco_does() -> None:
    for body in corpus_json("falcosecurity__falco-talon/falco_talon_examples.json"):
        with pytest.raises(BadAlert, match="rule"):
            parsed("falco", body)
        (alert,) = parsed("falco", {name.lower(): value for name, value in body.items()})
        pod = body["output_fields"].get("k8s.pod.name")
        assert alert.pod == (PodRef("default", pod) if pod else None)


def test_pagerduty_a_ping_and_an_incident() -> None:
    vectors = corpus_json("Aldaviva__PagerDuty/pagerduty_v3_signed_open.json")["vectors"]
    bodies = {vector["name"]: vector["body"].encode() for vector in vectors}
    assert parsed("pagerduty", bodies["ValidSignature"]) == ()
    (alert,) = parsed("pagerduty", bodies["TriggerIncident"])
    assert (alert.status, alert.severity, alert.summary, alert.name) == (
        AlertStatus.FIRING, Severity.LOW, "Test", "Webhook Tester",
    )  # fmt: skip
    assert alert.labels["incident"] == "Q2CKYRLH85UNN4"


def _finding(kind: str) -> list[dict[str, Any]]:
    tests = corpus_json(f"panther-labs__panther-analysis/aws_guardduty_{kind}_sev_findings.tests.json")["tests"]
    return [test["log"] for test in tests]


@pytest.mark.parametrize(("kind", "expected"), [("low", "low"), ("med", "medium"), ("high", "high")])
def test_guardduty_findings_need_the_envelope_that_eventbridge_gives(kind: str, expected: str) -> None:
    real, sample = _finding(kind)
    with pytest.raises(BadAlert, match="not an EventBridge event"):
        parsed("guardduty", real)
    (alert,) = parsed("guardduty", guardduty(real))
    assert (alert.severity, alert.pod) == (expected, None)
    (alert,) = parsed("guardduty", guardduty(sample))
    assert (alert.severity, alert.labels["sample"]) == (Severity.INFO, "true")


def test_guardduty_as_its_own_api_or_security_hub_gives_it_is_refused() -> None:
    for name in FILES:
        if name.startswith(("aws-samples", "DefectDojo")):
            with pytest.raises(BadAlert):
                parsed("guardduty", corpus(name).read_bytes())


def _camel(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """A finding of the API in the spelling of EventBridge."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _camel(part) for key, part in value.items()}
    return [_camel(part) for part in value] if isinstance(value, list) else value


def test_guardduty_names_the_pod() -> None:
    (found,) = corpus_json("aws-samples__cdk-eks-blueprints-patterns/guardduty_getfindings.json")["Findings"]
    (alert,) = parsed("guardduty", guardduty(_camel(found)))
    assert (alert.pod, alert.severity) == (PodRef("argocd", "privileged-pod"), Severity.MEDIUM)
    assert alert.labels["cluster"] == "guardduty-blueprint"


def test_cloudevents_examples_of_the_specification() -> None:
    *singles, batch = corpus_json("cloudevents__spec/cloudevents_json_examples.json")
    bad = singles.pop(0)  # its data_base64 is an ellipsis
    with pytest.raises(BadAlert, match="base64"):
        parsed("cloudevents", bad, CLOUD_EVENT)
    with pytest.raises(BadAlert, match="base64"):
        parsed("cloudevents", batch, CLOUD_BATCH)
    alerts = [alert for event in singles for alert in parsed("cloudevents", event, CLOUD_EVENT)]
    assert [alert.name for alert in alerts] == ["com.example.someevent"] * 5
    assert alerts[1].labels["appinfoC"] == "true"
    assert alerts[-1].labels["xyz"] == "123"
    batch[0]["data_base64"] = base64.b64encode(b"thrift").decode()
    assert [alert.labels["source"] for alert in parsed("cloudevents", batch, CLOUD_BATCH)] == [
        "/mycontext/4", "/mycontext/9",
    ]  # fmt: skip


def test_cloudevents_schema_is_no_event() -> None:
    with pytest.raises(BadAlert, match="specversion"):
        parsed("cloudevents", corpus("cloudevents__spec/cloudevents.json").read_bytes(), CLOUD_EVENT)


def _binary(event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """What the conformance harness sends for an event described in its YAML."""
    attributes = dict(event["ContextAttributes"])
    extensions = attributes.pop("Extensions", {})
    kind = attributes.pop("datacontenttype", "application/json")
    headers = {f"ce-{name}": str(value).strip() for name, value in (attributes | extensions).items()}
    return event["Data"].encode(), headers | {"content-type": kind}


def test_cloudevents_conformance() -> None:
    reader = YAML(typ="safe", pure=True)
    for event in reader.load_all(corpus("cloudevents__conformance/yaml/v1.0/v1_minimum.yaml").read_bytes()):
        body, headers = _binary(event)
        (alert,) = parsed("cloudevents", body, headers)
        assert alert.labels["id"] == event["ContextAttributes"]["id"]
    body, headers = _binary(reader.load(corpus("cloudevents__conformance/yaml/v03.yaml").read_bytes()))
    with pytest.raises(BadAlert, match="specversion"):
        parsed("cloudevents", body, headers)
