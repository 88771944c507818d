"""A real API server's own log: what was done to one pod, and nothing of its neighbours or its successor."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from irkit import times
from irkit.audit.search import search
from irkit.model.audit import Match, Tier
from irkit.model.run import Target
from tests.cluster.real import RealCluster

pytestmark = pytest.mark.real


def pod(name: str) -> dict[str, Any]:
    image = {"image": "docker.io/local/busybox:1", "imagePullPolicy": "Never"}
    spec = {
        "containers": [{"name": "app", "command": ["sleep", "100000"], **image}],
        "terminationGracePeriodSeconds": 0,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


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
