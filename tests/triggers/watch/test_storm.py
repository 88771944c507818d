"""A hundred alerts about one crash-looping Deployment on a real cluster: one pod is isolated, the page says why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.cluster.real import RealCluster
from tests.triggers.watch.conftest import log_in
from tests.triggers.watch.stage import stage

ALERTS, REPLICAS = 100, 4
PATIENCE = 60_000  # ms
QUARANTINE = "irkit.dev/quarantine"
LOOP: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "loop"},
    "spec": {
        "replicas": REPLICAS,
        "selector": {"matchLabels": {"app": "loop"}},
        "template": {
            "metadata": {"labels": {"app": "loop"}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {
                        "name": "app",
                        "image": "docker.io/local/busybox:1",
                        "imagePullPolicy": "Never",
                        "command": ["false"],
                    }
                ],
            },
        },
    },
}
RESTARTED = "jsonpath={.status.containerStatuses[0].restartCount}=1"


def pods(cluster: RealCluster, namespace: str, selector: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        cluster.kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "json")
    )["items"]
    return found


@pytest.mark.real
def test_a_hundred_alerts_isolate_what_the_rails_allow_and_the_page_says_why_the_rest_waits(
    real_cluster: RealCluster, real_namespace: str, page: Page, tmp_path: Path
) -> None:
    real_cluster.apply(LOOP | {"metadata": {"name": "loop", "namespace": real_namespace}})
    wait = ("wait", "pods", "-n", real_namespace, "-l", "app=loop", "--timeout=60s")
    real_cluster.kubectl(*wait, "--for=create")
    real_cluster.kubectl(*wait, f"--for={RESTARTED}")
    names = [pod["metadata"]["name"] for pod in pods(real_cluster, real_namespace, "app=loop")]
    assert len(names) == REPLICAS

    with stage(real_cluster.kubeconfig, tmp_path, real_namespace) as shown:
        for number in range(ALERTS):
            shown.alert(names[number % REPLICAS], number=number)
        log_in(page, shown)
        held = page.locator("[data-live=held]").get_by_role("article")
        share = re.compile(r"1 of \d pods of Deployment/loop were changed within 24h; at most 1 may be")
        expect(held.filter(has_text=share)).to_have_count(REPLICAS - 1, timeout=PATIENCE)
        # Alerts about the pod that was isolated, if they came after that.
        cooling = re.compile(r"run \S+ did compromised-pod to this pod less than 1h ago")
        expect(held.filter(has_not_text=share).filter(has_not_text=cooling)).to_have_count(0)
        assert sum(job.deliveries for job in shown.scene.jobs()) == ALERTS

    assert len(pods(real_cluster, real_namespace, QUARANTINE)) == 1
    policies = real_cluster.kubectl("get", "networkpolicies", "-n", real_namespace, "-o", "name").split()
    assert len(policies) == 1
