"""A storm of alerts about one workload, on a real API server: what is isolated is what the rails allow, no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from irkit.model.audit import Severity
from irkit.model.pod import PodRef
from irkit.model.run import Operator, RunRecord, Status
from irkit.playbook import engine
from irkit.playbook.journal import log
from irkit.playbook.rails.facts import Occasion
from irkit.playbook.rails.guard import Guard
from irkit.playbook.rails.lint import parse
from irkit.playbook.rails.memory import Memory
from irkit.playbook.registry import single
from irkit.settings import ClusterSettings
from tests.cluster.real import RealCluster

REPLICAS = 5
RAILS = """\
apiVersion: irkit/v1
kind: Rails
mode: {mode}
allow: [{{actions: [pod.isolate@1], namespaces: ['irkit-test-*']}}]
budgets: [{{most: 100, per: 10m}}]
workload: {{pods: 1, percent: 40}}
protect: {{control_plane_nodes: false}}
"""
IMAGE = "docker.io/local/busybox:1"
WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": REPLICAS,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {"name": "app", "image": IMAGE, "imagePullPolicy": "Never", "command": ["sleep", "3600"]}
                ],
            },
        },
    },
}


@pytest.fixture
def pods(real_cluster: RealCluster, real_namespace: str) -> list[PodRef]:
    """The pods of one Deployment."""
    real_cluster.apply(WEB | {"metadata": {"name": "web", "namespace": real_namespace}})
    real_cluster.kubectl("wait", "-n", real_namespace, "--for=condition=Available", "--timeout=120s", "deployment/web")
    listed = json.loads(real_cluster.kubectl("get", "pods", "-n", real_namespace, "-l", "app=web", "-o", "json"))
    return [PodRef(real_namespace, item["metadata"]["name"], item["metadata"]["uid"]) for item in listed["items"]]


def storm(cluster: RealCluster, home: Path, pods: list[PodRef], mode: str) -> list[RunRecord]:
    """One alert for each pod, one run for each alert."""
    rails = Guard(parse(RAILS.format(mode=mode)), Memory(home), Occasion("alertmanager", Severity.HIGH))
    setup = engine.Setup(home, Operator("nobody", "here"), rails=rails)
    settings = engine.Settings(ClusterSettings(str(cluster.kubeconfig)))
    return [
        engine.run(single("pod.isolate@1", pod), {}, setup, run_id=f"{mode}-{number}", settings=settings)
        for number, pod in enumerate(pods)
    ]


def policies(cluster: RealCluster, namespace: str) -> list[str]:
    return cluster.kubectl("get", "networkpolicies", "-n", namespace, "-o", "name").split()


@pytest.mark.real
def test_a_storm_isolates_what_the_rails_allow_and_says_why_the_rest_waits(
    real_cluster: RealCluster, pods: list[PodRef], tmp_path: Path
) -> None:
    namespace = pods[0].namespace
    rehearsed = storm(real_cluster, tmp_path, pods, "dry-run")
    assert policies(real_cluster, namespace) == []
    assert [record.steps[-1].summary.startswith("rails dry-run") for record in rehearsed] == [True] * 2 + [False] * 3

    records = storm(real_cluster, tmp_path, pods, "enforce")
    ended = [record.steps[-1] for record in records]
    assert len(policies(real_cluster, namespace)) == 2  # 40 % of 5
    assert [step.status is Status.REFUSED for step in ended] == [False] * 2 + [True] * 3
    for step in ended[2:]:
        assert "2 of 5 pods of Deployment/web were changed" in step.summary
        assert "asked again" in step.hint
    for number in (2, 3, 4):
        kinds = [entry["kind"] for entry in log.read(tmp_path / "runs" / f"enforce-{number}")]
        assert "rails.decided" in kinds
        assert "change.intended" not in kinds
