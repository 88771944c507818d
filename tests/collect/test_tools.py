"""Other tools around the pod, by what they leave in the API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from irkit.cluster.client import connect
from irkit.collect.around.tools import TOOLS, Tool, Tools
from irkit.collect.capture import capture
from irkit.collect.piece import Found
from irkit.model.evidence import GapReason
from irkit.model.pod import Target
from irkit.settings import ClusterSettings
from tests.cluster.real import RealCluster
from tests.collect.api import Route, no, ok, serving
from tests.collect.scene import TARGET, artifacts, gaps, routes

TRIVY, GATEKEEPER = "aquasecurity.github.io", "constraints.gatekeeper.sh"


def served(*groups: str) -> Route:
    return ok({"groups": [{"name": name, "preferredVersion": {"version": "v1x"}} for name in groups]})


def kinds(*plurals: str, namespaced: bool = True) -> Route:
    listed = [{"name": each, "kind": each, "namespaced": namespaced, "verbs": ["list"]} for each in plurals]
    return ok({"kind": "APIResourceList", "resources": listed})


def taken(tmp_path: Path, scene: dict[str, Route]) -> list[Found]:
    with serving(scene) as api:
        return list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Tools()]))


def test_where_there_are_no_tools_that_is_said_and_nothing_is_missing(tmp_path: Path) -> None:
    found = taken(tmp_path, routes())
    assert set(artifacts(found)) == {"findings/tools.json"}
    assert not gaps(found)
    assert set(json.loads((tmp_path / "data/findings/tools.json").read_bytes()).values()) == {None}


def test_reports_of_the_namespace_are_taken_as_they_are(tmp_path: Path) -> None:
    scene = routes(groups=served("apps", TRIVY))
    root = f"/apis/{TRIVY}/v1x"
    scene[root] = kinds("vulnerabilityreports", "vulnerabilityreports/status", "sbomreports", "configauditreports")
    body = {"items": [{"metadata": {"uid": "1"}, "report": {"fieldFromTheFuture": 1}}]}
    scene[f"{root}/namespaces/shop/vulnerabilityreports"] = ok(body)
    scene[f"{root}/namespaces/shop/configauditreports"] = no(403, "Forbidden", "cannot list")
    found = taken(tmp_path, scene)
    assert set(artifacts(found)) == {
        "findings/tools.json",
        "findings/trivy.json",
        "findings/trivy-vulnerabilityreports.json",
    }
    assert json.loads((tmp_path / "data/findings/trivy-vulnerabilityreports.json").read_bytes()) == body
    (gap,) = gaps(found).values()
    assert gap.reason is GapReason.DENIED
    assert f"list configauditreports.{TRIVY}" in gap.remedy


def test_violations_counted_but_not_listed_are_a_gap(tmp_path: Path) -> None:
    scene = routes(groups=served(GATEKEEPER))
    root = f"/apis/{GATEKEEPER}/v1x"
    scene[root] = kinds("k8sallowedrepos", namespaced=False)
    item: dict[str, Any] = {"kind": "K8sAllowedRepos", "metadata": {"name": "ours", "uid": "1"}}
    item["status"] = {"totalViolations": 23, "violations": [{"name": "web"}] * 20}
    scene[f"{root}/k8sallowedrepos"] = ok({"items": [item]})
    found = taken(tmp_path, scene)
    gap = gaps(found)["violations of K8sAllowedRepos ours"]
    assert (gap.reason, gap.detail) == (GapReason.TRUNCATED, "20 of 23 are listed")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_is_found_by_its_group(tmp_path: Path, tool: Tool) -> None:
    root, plurals = f"/apis/{tool.group}/v1x", tool.plurals or ("anything",)
    scene = routes(groups=served("apps", tool.group)) | {root: kinds(*plurals)}
    scene |= {f"{root}/namespaces/shop/{plural}": ok({"items": []}) for plural in plurals}
    found = taken(tmp_path, scene)
    assert not gaps(found)
    assert {f"{tool.folder}/{tool.name}-{plural}.json" for plural in plurals} <= set(artifacts(found))


@pytest.mark.parametrize("hostile", [ok({}), ok({"resources": "none"}), no(500, "InternalError", "x")])
def test_whatever_a_group_answers_costs_no_other(tmp_path: Path, hostile: Route) -> None:
    scene = routes(groups=served(TRIVY, GATEKEEPER))
    scene[f"/apis/{TRIVY}/v1x"] = hostile
    scene[f"/apis/{GATEKEEPER}/v1x"] = kinds("k8srequiredlabels", namespaced=False)
    scene[f"/apis/{GATEKEEPER}/v1x/k8srequiredlabels"] = ok({"items": []})
    assert "findings/gatekeeper-k8srequiredlabels.json" in artifacts(taken(tmp_path, scene))


@pytest.fixture
def cilium(real_cluster: RealCluster) -> Iterator[str]:
    """The cluster knows a kind of Cilium's group for a while."""
    plural, group = "ciliumnetworkpolicies", "cilium.io"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v2", "served": True, "storage": True, "schema": schema}
    names = {"plural": plural, "singular": "ciliumnetworkpolicy", "kind": "CiliumNetworkPolicy"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    real_cluster.apply(definition)
    real_cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{plural}.{group}")
    yield f"{plural}.{group}"
    real_cluster.kubectl("delete", "crd", f"{plural}.{group}")


@pytest.mark.real
def test_on_a_real_cluster(real_cluster: RealCluster, real_namespace: str, cilium: str, tmp_path: Path) -> None:
    policy = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "let-me-in", "namespace": real_namespace},
        "spec": {"endpointSelector": {}, "ingress": [{"fromEntities": ["all"]}]},
    }
    real_cluster.apply(policy)
    target = Target(real_namespace, "web", str(uuid.uuid4()))
    cluster = connect(ClusterSettings(str(real_cluster.kubeconfig), timeout=20))
    found = list(capture(target, cluster, tmp_path, collectors=[Tools()]))
    assert not gaps(found)
    (taken,) = json.loads((tmp_path / "network/cilium-ciliumnetworkpolicies.json").read_bytes())["items"]
    assert taken["spec"] == policy["spec"]
