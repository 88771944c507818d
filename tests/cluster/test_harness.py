from __future__ import annotations

import json

import pytest

from tests.cluster.real import RealCluster


@pytest.mark.real
def test_a_real_cluster_answers_and_writes_its_audit_log(real_cluster: RealCluster, real_namespace: str) -> None:
    node = json.loads(real_cluster.kubectl("get", "nodes", "-o", "json"))["items"][0]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == real_cluster.version
    if real_cluster.audit_log:
        assert real_namespace.encode() in real_cluster.audit_log.read_bytes()
