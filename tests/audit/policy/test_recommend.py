from __future__ import annotations

import json
from pathlib import Path

import pytest

from irkit.audit.detect.detect import detect
from irkit.audit.policy.coverage.judge import Sight, judge
from irkit.audit.policy.decide import decide
from irkit.audit.policy.lint.check import lint
from irkit.audit.policy.nouns import Level, Request
from irkit.audit.policy.read import parse
from irkit.audit.policy.recommend import recommended
from irkit.audit.policy.request import asked
from tests.audit.logs import Event, log
from tests.audit.policy.oracle import Oracle
from tests.audit.policy.relog import relogged
from tests.cluster.real import RealCluster

POLICY = parse(recommended())
ON_PURPOSE = {"token-secret": Sight.BLIND} | dict.fromkeys(
    ("impersonation", "many-refusals", "token-on-the-move"), Sight.HALF
)


def test_it_has_no_problem_and_leaves_blind_what_the_docs_say() -> None:
    assert lint(recommended()) == []
    assert {one.rule: one.sight for one in judge(POLICY) if one.sight is not Sight.SEES} == ON_PURPOSE
    page = (Path(__file__).parents[3] / "docs" / "audit-policy.md").read_text()
    assert all(f"`{rule}`" in page for rule in ON_PURPOSE)


def test_every_rule_says_why_and_has_its_number() -> None:
    lines = recommended().splitlines()
    for rule in POLICY.rules:
        above = rule.line - 2
        while not lines[above].startswith(f"  # {rule.number}. "):
            assert lines[above].startswith("  # ")
            above -= 1


PLANE, NODE, PROXY = "system:kube-scheduler", "system:node:n1", "system:kube-proxy"
EXPECTED: list[tuple[Request, Level]] = [
    (asked("get", "alice", resource="secrets", namespace="shop", name="db"), Level.METADATA),
    (asked("list", PLANE, resource="secrets"), Level.METADATA),
    (asked("watch", NODE, resource="configmaps", namespace="shop"), Level.METADATA),
    (asked("create", "alice", resource="serviceaccounts/token", namespace="shop", name="web"), Level.METADATA),
    (asked("create", NODE, resource="tokenreviews"), Level.METADATA),
    (asked("get", "alice", resource="pods/exec", namespace="shop", name="web"), Level.METADATA),
    (asked("get", PLANE, resource="nodes/proxy", name="n1"), Level.METADATA),
    (asked("patch", "alice", resource="pods/ephemeralcontainers", namespace="shop", name="web"), Level.REQUEST),
    (asked("get", "system:anonymous", path="/livez"), Level.NONE),
    (asked("get", "system:anonymous", path="/livez/etcd"), Level.NONE),
    (asked("get", "system:anonymous", path="/metrics"), Level.METADATA),
    (asked("post", "alice", path="/healthz"), Level.METADATA),
    (asked("watch", PLANE, resource="pods"), Level.NONE),
    (asked("create", PLANE, resource="pods/binding", namespace="shop", name="web"), Level.REQUEST),
    (asked("list", "system:serviceaccount:kube-system:intruder", resource="pods"), Level.METADATA),
    (asked("watch", PROXY, resource="endpointslices"), Level.NONE),
    (asked("list", PROXY, resource="pods"), Level.METADATA),
    (asked("get", NODE, resource="pods", namespace="shop", name="web"), Level.NONE),
    (asked("patch", NODE, resource="pods/status", namespace="shop", name="web"), Level.REQUEST),
    (asked("update", NODE, resource="leases", namespace="kube-node-lease", name="n1"), Level.NONE),
    (asked("delete", "alice", resource="leases", namespace="kube-node-lease", name="n1"), Level.REQUEST),
    (asked("create", NODE, resource="events", namespace="shop"), Level.NONE),
    (asked("delete", "alice", resource="events", namespace="shop", name="e"), Level.REQUEST),
    (asked("create", "alice", resource="selfsubjectrulesreviews"), Level.REQUEST),
    (asked("create", "alice", resource="subjectaccessreviews"), Level.METADATA),
    (asked("patch", "alice", resource="clusterrolebindings", name="b"), Level.RESPONSE),
    (asked("delete", "alice", resource="networkpolicies", namespace="shop", name="deny"), Level.RESPONSE),
    (asked("create", "alice", resource="pods", namespace="shop"), Level.RESPONSE),
    (asked("create", "alice", resource="things", api_group="example.com", namespace="shop"), Level.REQUEST),
    (asked("list", "alice", resource="pods", namespace="shop"), Level.METADATA),
]


@pytest.mark.parametrize(("request_", "level"), EXPECTED, ids=lambda one: str(getattr(one, "kind", "")) or None)
def test_what_it_writes_of_a_request(request_: Request, level: Level) -> None:
    assert decide(POLICY, request_).level is level


@pytest.mark.slow
def test_an_api_server_takes_it_without_a_warning(oracle: Oracle) -> None:
    assert oracle(recommended()) == ("", [])


def heartbeats(events: list[Event]) -> int:
    """How many are renewals of leases, the noise of every idle cluster."""
    asked_for = [(one.get("objectRef", {}).get("resource"), one["verb"]) for one in events]
    return sum(resource == "leases" and verb in ("get", "update", "patch") for resource, verb in asked_for)


@pytest.mark.real
def test_on_a_real_log_the_noise_goes_and_the_findings_stay(
    real_cluster: RealCluster, real_namespace: str, tmp_path: Path
) -> None:
    ns = ("-n", real_namespace)
    real_cluster.kubectl(*ns, "create", "token", "default")
    real_cluster.kubectl(*ns, "create", "cronjob", "beacon", "--image=x", "--schedule=0 0 1 1 *")
    real_cluster.kubectl(*ns, "create", "service", "nodeport", "open", "--tcp=80")
    real_cluster.kubectl(*ns, "delete", "events", "--all")
    if real_cluster.audit_log is None:
        pytest.skip("this cluster's audit log cannot be read from here")
    lines = real_cluster.audit_log.read_bytes().splitlines(keepends=True)
    events: list[Event] = [json.loads(line) for line in lines if line.endswith(b"\n")]
    kept = relogged(POLICY, events)
    assert heartbeats(events)
    assert not heartbeats(kept)
    refs = [one.get("objectRef", {}).get("resource") for one in kept if "requestObject" in one]
    assert "secrets" not in refs

    mine = f" {real_namespace}/"
    before, after = (
        {(one.rule, one.target) for one in detect([str(log(tmp_path / name, found))]).findings if mine in one.target}
        for name, found in (("before", events), ("after", kept))
    )
    assert after == before
    assert {rule for rule, _ in after} >= {"token-minted", "scheduled-workload", "service-exposed"}
