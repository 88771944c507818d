"""A real API server's own log: what was done to one pod, and nothing of its neighbours or its successor."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from irkit import times
from irkit.audit.collect import gather, gather_each
from irkit.audit.search import search
from irkit.cluster.client import connect
from irkit.collect.wide.select import scope
from irkit.collect.wide.tables import folder_of
from irkit.model.audit import Match, Tier
from irkit.model.pod import Target
from irkit.settings import ClusterSettings
from tests.cluster.real import RealCluster

pytestmark = pytest.mark.real


def pod(name: str) -> dict[str, Any]:
    image = {"image": "docker.io/local/busybox:1", "imagePullPolicy": "Never"}
    spec = {
        "containers": [{"name": "app", "command": ["sleep", "100000"], **image}],
        "terminationGracePeriodSeconds": 0,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def deployment(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod(name)["spec"]}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def pinned(cluster: RealCluster, namespace: str, name: str) -> Target:
    found = json.loads(cluster.kubectl("-n", namespace, "get", "pod", name, "-o", "json"))
    created = times.parse(found["metadata"]["creationTimestamp"])
    account = found["spec"]["serviceAccountName"]
    return Target(namespace, name, found["metadata"]["uid"], service_account=account, created=created)


def start(cluster: RealCluster, namespace: str, *names: str) -> None:
    for name in names:
        cluster.kubectl("-n", namespace, "create", "-f", "-", given=json.dumps(pod(name)))
    cluster.kubectl("-n", namespace, "wait", "--for=condition=Ready", "--timeout=60s", *(f"pod/{n}" for n in names))


def a_second_later() -> None:
    second = times.now().replace(microsecond=0)
    while times.now().replace(microsecond=0) == second:
        time.sleep(0.01)


def execs(matches: list[Match]) -> list[str]:
    """The URI of each exec, once per request."""
    found = {
        m.event["auditID"]: m.event["requestURI"] for m in matches if m.event["objectRef"].get("subresource") == "exec"
    }
    return list(found.values())


def test_one_pods_events_and_no_others(real_cluster: RealCluster, real_namespace: str) -> None:
    if real_cluster.audit_log is None:
        pytest.skip("this cluster's audit log cannot be read from here")
    ns = ("-n", real_namespace)
    start(real_cluster, real_namespace, "web-1", "web-10")
    target = pinned(real_cluster, real_namespace, "web-1")
    for name in ("web-1", "web-10"):
        real_cluster.kubectl(*ns, "exec", name, "--", "echo", f"in-{name}")
    real_cluster.kubectl(*ns, "delete", "pod", "web-1", "--wait=true")
    a_second_later()  # creationTimestamp is cut to the second: within one nobody can tell whose exec it was
    start(real_cluster, real_namespace, "web-1")
    successor = pinned(real_cluster, real_namespace, "web-1")
    real_cluster.kubectl(*ns, "exec", "web-1", "--", "echo", "in-successor")

    looking = search([str(real_cluster.audit_log)], target)
    matches = list(looking)
    assert [uri for uri in execs(matches) if "command=echo" in uri] == execs(matches)
    assert ["in-web-1" in uri for uri in execs(matches)] == [True]
    verbs = {(m.event["verb"], m.event["objectRef"].get("subresource", "")) for m in matches}
    assert {("create", ""), ("create", "binding"), ("patch", "status"), ("delete", "")} <= verbs
    sure = [m.raw for m in matches if m.tier in (Tier.UID, Tier.NAME)]
    assert sure
    assert not [raw for raw in sure if successor.uid.encode() in raw or b"web-10" in raw]
    assert looking.gaps == []

    after = list(search([str(real_cluster.audit_log)], successor))
    assert ["in-successor" in uri for uri in execs(after)] == [True]
    assert not [m for m in after if target.uid.encode() in m.raw and m.tier in (Tier.UID, Tier.NAME)]


def test_the_tokens_of_a_pod_are_tied_to_it(real_cluster: RealCluster, real_namespace: str, tmp_path: Path) -> None:
    if real_cluster.audit_log is None:
        pytest.skip("this cluster's audit log cannot be read from here")
    start(real_cluster, real_namespace, "web-1")
    target = pinned(real_cluster, real_namespace, "web-1")
    matches = list(search([str(real_cluster.audit_log)], target))
    assert any("(a token bound to the pod)" in match.reason for match in matches)


def test_of_a_deployment_each_pod_has_its_own_events_in_one_reading(
    real_cluster: RealCluster, real_namespace: str, tmp_path: Path
) -> None:
    """The same bytes as a search for it alone; who entered one of them shows in that one, and in all together."""
    if real_cluster.audit_log is None:
        pytest.skip("this cluster's audit log cannot be read from here")
    ns, before = ("-n", real_namespace), real_cluster.audit_log.stat().st_size
    real_cluster.kubectl(*ns, "create", "-f", "-", given=json.dumps(deployment("web", 3)))
    real_cluster.kubectl(*ns, "rollout", "status", "deployment/web", "--timeout=90s")
    pods = scope(real_namespace, "deployment/web", "", connect(ClusterSettings(str(real_cluster.kubeconfig)))).pods
    for pod in pods[:2]:
        real_cluster.kubectl(*ns, "exec", pod.name, "--", "echo", f"in-{pod.name}")
    log = tmp_path / "audit.log"  # what comes later concerns no two readings alike
    with real_cluster.audit_log.open("rb") as source:
        source.seek(before)
        log.write_bytes(source.read())
    summary, _ = gather_each([str(log)], pods, folder_of, tmp_path)
    for pod in pods:
        alone, _ = gather([str(log)], pod, tmp_path / "alone" / pod.name)
        for name in ("events.jsonl", "matches.jsonl", "findings.jsonl", "summary.json"):
            own = (tmp_path / "alone" / pod.name / "audit" / name).read_bytes()
            assert own == (tmp_path / folder_of(pod) / "audit" / name).read_bytes()
        assert alone.matched["uid"] >= 3
        entered = [finding.target for finding in alone.findings if finding.rule == "exec-into-pod"]
        assert [pod.name in target for target in entered] == ([True] if pod in pods[:2] else [])
    assert [finding.rule for finding in summary.findings].count("exec-into-pod") == 2
    assert summary.matched["uid"] >= 9
