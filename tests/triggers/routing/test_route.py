"""The same alert, the same decision: which rule, which playbook, which inputs; and what `--explain` shows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from irkit.errors import UsageError
from irkit.model.alert import Alert, AlertStatus
from irkit.model.audit import Severity
from irkit.model.pod import PodRef
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.routing.explain import explain
from irkit.triggers.routing.lint import parse
from irkit.triggers.routing.route import Decision, at, decide
from tests.triggers.formats.deliveries import AT, alertmanager
from tests.triggers.routing.files import FILE

LOADED = parse(FILE)
ALERT = Alert(
    "prom", "k" * 64, AlertStatus.FIRING, Severity.HIGH, AT, "WebShellSeen", "sum", "r" * 64,
    {"team": "pay-eu", "deadline": "90"}, PodRef("payments", "api-1"),
)  # fmt: skip


def test_the_first_rule_decides_and_inputs_are_typed() -> None:
    decision = decide(LOADED, ALERT)
    assert (decision.rule, decision.playbook, decision.problem) == ("shells", "compromised-pod", "")
    assert decision.inputs["deadline"] == 90.0
    assert (decision.inputs["namespace"], decision.inputs["pod"]) == ("payments", "api-1")
    assert decision.playbook_sha256 == LOADED.playbooks["compromised-pod"].sha256


@pytest.mark.parametrize(
    "other",
    [
        replace(ALERT, source="pager"),
        replace(ALERT, name="Shel"),
        replace(ALERT, severity=Severity.MEDIUM),
        replace(ALERT, status=AlertStatus.RESOLVED),
        replace(ALERT, labels={"team": "infra"}),
        replace(ALERT, labels={}),
        replace(ALERT, labels={"team": "pay-" + "x" * 5000}),
    ],
)
def test_what_no_rule_matches_starts_nothing(other: Alert) -> None:
    assert decide(LOADED, other) == Decision(other)


def test_the_next_rule_takes_what_the_first_leaves() -> None:
    decision = decide(LOADED, replace(ALERT, severity=Severity.CRITICAL, labels={}))
    assert (decision.rule, decision.inputs["deadline"]) == ("anything-grave", 60)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"pod": None}, "has no pod.namespace"),
        ({"labels": ALERT.labels | {"deadline": "soon"}}, "not of type number"),
        ({"labels": ALERT.labels | {"deadline": "9" * 5000}}, "deadline"),
    ],
)
def test_an_alert_that_does_not_fit_is_a_problem_not_a_run(change: dict[str, object], problem: str) -> None:
    decision = decide(LOADED, replace(ALERT, **change))  # type: ignore[arg-type]
    assert decision.rule == "shells"
    assert problem in decision.problem
    assert decision.inputs == {}


def test_an_optional_input_that_the_alert_does_not_tell_has_its_default() -> None:
    assert decide(LOADED, replace(ALERT, labels={"team": "payments"})).inputs["deadline"] == 300


def test_one_pod_and_playbook_are_one_group() -> None:
    one, other = decide(LOADED, ALERT), decide(LOADED, replace(ALERT, key="o" * 64, name="ShellAgain"))
    assert one.group == other.group != ""
    assert decide(LOADED, replace(ALERT, pod=PodRef("payments", "api-2"))).group != one.group
    assert decide(LOADED, replace(ALERT, labels={})).group == ""


def test_paths_into_an_alert() -> None:
    paths = ("status", "severity", "name", "summary", "pod.namespace", "pod.name", "labels.team", "labels.a.b")
    found = [at(replace(ALERT, labels={"team": "t", "a.b": "c"}), path) for path in paths]
    assert found == ["firing", "high", "WebShellSeen", "sum", "payments", "api-1", "t", "c"]
    assert at(replace(ALERT, pod=None, summary=""), "pod.name") is at(replace(ALERT, summary=""), "summary") is None


def _delivery(body: object, source: str = "prom") -> Delivery:
    return Delivery(source, json.dumps(body).encode(), AT)


def test_explain() -> None:
    labels = {"alertname": "WebShell", "severity": "critical", "team": "payments", "namespace": "a", "pod": "b"}
    (one,) = explain(LOADED, _delivery(alertmanager(labels=labels))).alerts
    assert (one.decision.rule, one.shadowed) == ("shells", ("anything-grave",))
    assert ("isolate", "pod.isolate@1", "mutate") in [(step.id, step.uses, step.effect) for step in one.steps]
    (lost,) = explain(LOADED, _delivery(alertmanager(labels=labels | {"pod": ""}))).alerts
    assert (lost.steps, bool(lost.decision.problem)) == ((), True)
    assert "version" in explain(LOADED, _delivery({})).refused
    with pytest.raises(UsageError, match="no such source"):
        explain(LOADED, _delivery({}, "falco"))
