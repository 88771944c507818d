"""A scripted attack on a real cluster, amid its own noise: every step is found, and nothing else."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from irkit import times
from irkit.audit.detect.detect import Report, detect
from irkit.audit.detect.facts import is_node, of_the_plane
from tests.cluster.real import RealCluster

pytestmark = pytest.mark.real

IMAGE = {"image": "docker.io/local/busybox:1", "imagePullPolicy": "Never", "command": ["sleep", "100000"]}


def manifest(kind: str, name: str, spec: dict[str, Any], api: str = "v1") -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def pod(name: str, **spec: Any) -> dict[str, Any]:  # noqa: ANN401
    return manifest("Pod", name, {"terminationGracePeriodSeconds": 0, "containers": [{"name": "app", **IMAGE}], **spec})


def deployment(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": pod(name)["spec"]}
    return manifest("Deployment", name, {"selector": {"matchLabels": {"app": name}}, "template": template}, "apps/v1")


# Each step of the attack and what must be found of it. `{ns}` is the namespace.
PRIVILEGED = {"containers": [{"name": "app", **IMAGE, "securityContext": {"privileged": True}}]}
NODE_ROOT = {"hostPID": True, "volumes": [{"name": "root", "hostPath": {"path": "/"}}]}
ATTACK: list[tuple[list[str], dict[str, Any] | None, set[str]]] = [
    (["exec", "victim", "--", "id"], None, {"exec-into-pod"}),
    (["create", "-f", "-"], pod("bad", **PRIVILEGED), {"privileged-container"}),
    (["create", "-f", "-"], pod("worse", **NODE_ROOT), {"host-namespaces", "host-path"}),
    (["get", "secrets", "--all-namespaces"], None, {"secrets-listed", "foreign-secrets"}),
    (["create", "token", "default"], None, {"token-minted"}),
    (
        ["create", "clusterrolebinding", "{ns}-eve2", "--clusterrole=cluster-admin", "--user=eve2"],
        None,
        {"cluster-admin-binding"},
    ),
    (["create", "clusterrole", "{ns}-all", "--verb=*", "--resource=pods"], None, {"dangerous-role"}),
    (["get", "pods", "--as=root", "--as-group=system:masters"], None, {"impersonation"}),
    (["auth", "can-i", "create", "pods"], None, {"rights-probed"}),
    (["get", "--raw", "/api/v1/nodes/node1/proxy/pods"], None, {"kubelet-api"}),
    (
        ["create", "cronjob", "beacon", "--image=docker.io/local/busybox:1", "--schedule=0 0 1 1 *"],
        None,
        {"scheduled-workload"},
    ),
    (["create", "service", "nodeport", "open", "--tcp=80"], None, {"service-exposed"}),
    (["delete", "events", "--all"], None, {"events-deleted"}),
]


def attack(cluster: RealCluster, namespace: str, config: Path) -> None:
    for words, given, _ in ATTACK:
        command = [word.format(ns=namespace) for word in words]
        cluster.kubectl("-n", namespace, *command, given=json.dumps(given) if given else "", kubeconfig=config)
    forwarded(cluster, namespace, config)


def forwarded(cluster: RealCluster, namespace: str, config: Path) -> None:
    """A port-forward that somebody uses: kubectl opens the stream at the first connection."""
    command = [cluster.kubectl_path, "--kubeconfig", str(config), "-n", namespace, "port-forward", "victim", ":80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "Forwarding from" in process.stdout.readline()
        process.terminate()


def noise(cluster: RealCluster, namespace: str) -> None:
    """What a cluster does all day: rollouts, scaling, restarts."""
    ns = ("-n", namespace)
    cluster.apply(
        *(
            {**one, "metadata": {**one["metadata"], "namespace": namespace}}
            for one in (deployment("web"), pod("victim"))
        )
    )
    cluster.kubectl(*ns, "rollout", "status", "deployment/web", "--timeout=60s")
    cluster.kubectl(*ns, "scale", "deployment/web", "--replicas=2")
    cluster.kubectl(*ns, "rollout", "restart", "deployment/web")
    cluster.kubectl(*ns, "rollout", "status", "deployment/web", "--timeout=60s")
    cluster.kubectl(*ns, "wait", "--for=condition=Ready", "pod/victim", "--timeout=60s")


def judged(log: Path, rules: set[str], **more: Any) -> Report:  # noqa: ANN401
    """The report, once the API server has written the last of the attack."""
    for _ in range(50):
        report = detect([str(log)], **more)
        if rules <= {finding.rule for finding in report.findings}:
            break
        time.sleep(0.1)  # between two looks at a file that another program writes
    return report


def test_every_step_is_found_and_nothing_else(real_cluster: RealCluster, real_namespace: str, tmp_path: Path) -> None:
    if real_cluster.audit_log is None:
        pytest.skip("this cluster's audit log cannot be read from here")
    began = times.now() - timedelta(seconds=1)
    noise(real_cluster, real_namespace)
    quiet = detect([str(real_cluster.audit_log)], since=began).findings
    assert not [finding for finding in quiet if f" {real_namespace}/" in finding.target]

    real_cluster.kubectl("-n", real_namespace, "create", "serviceaccount", "eve")
    eve = f"{real_namespace}:eve"
    account = f"--serviceaccount={eve}"
    real_cluster.kubectl(
        "create", "clusterrolebinding", f"{real_namespace}-eve", "--clusterrole=cluster-admin", account
    )
    # Her own binding was made just before she begins to use it.
    expected = {rule for _, _, rules in ATTACK for rule in rules} | {"port-forward", "use-after-binding"}
    try:
        attack(real_cluster, real_namespace, real_cluster.limited(real_namespace, "eve", tmp_path))
        report = judged(real_cluster.audit_log, expected, since=began)
    finally:
        names = [f"{real_namespace}-eve", f"{real_namespace}-eve2"]
        real_cluster.kubectl("delete", "clusterrolebinding", "--ignore-not-found", *names)
        real_cluster.kubectl("delete", "clusterrole", "--ignore-not-found", f"{real_namespace}-all")

    hers = {finding.rule for finding in report.findings if f"serviceaccount:{eve}" in finding.actor}
    # A cluster whose audit policy keeps the bodies of roles and bindings out of the log: the report says that it is
    # blind there. Our own logs them.
    assert expected - hers <= report.coverage.blind.keys() & {"cluster-admin-binding", "dangerous-role"}
    assert hers <= expected
    plane = [finding for finding in report.findings if of_the_plane(finding.actor) or is_node(finding.actor)]
    assert plane == []
