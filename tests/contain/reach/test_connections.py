"""Worlds from manifests and from a cluster, and what is told of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from irkit.cluster.client import connect
from irkit.cluster.protocol import Json
from irkit.contain.marks import QUARANTINE
from irkit.contain.reach.connections import isolated, reach
from irkit.contain.world import live, manifests
from irkit.contain.world.objects import world
from irkit.drill.range import server
from irkit.drill.range.server import Range
from irkit.errors import UsageError
from irkit.model.pod import PodRef
from irkit.settings import ClusterSettings

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]}
"""
CLIENT = """
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {app: client}}
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: http}]}]
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def workload(kind: str, template: Json, name: str = "made") -> Json:
    spec: Json = {"template": template}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    return template | {"kind": "Pod", "metadata": {"name": name}} if kind == "Pod" else {
        "kind": kind, "metadata": {"name": name}, "spec": spec,
    }  # fmt: skip


def test_a_policy_with_a_named_port(tmp_path: Path) -> None:
    folder = write(tmp_path, a_yaml=f"{POD}---{CLIENT}---\n---", deep__down__b_yml=POLICY, readme_md="# none: [")
    found = {(one["src"], one["dst"]): one["ports"] for one in reach(manifests.load(folder))}
    assert found == {
        ("0.0.0.0/0", "shop/client[Pod]"): "all",
        ("shop/client[Pod]", "0.0.0.0/0"): "all",
        ("shop/client[Pod]", "shop/web[Pod]"): [{"protocol": "TCP", "port": 8080, "endPort": 8080}],
    }


def test_isolation_leaves_nothing(tmp_path: Path) -> None:
    folder, web = write(tmp_path, a_yaml=f"{POD}---{CLIENT}---{POLICY}"), PodRef("shop", "web")
    now = manifests.load(folder)
    assert [one["src"] for one in reach(now, web)] == ["shop/client[Pod]"]
    assert reach(isolated(now, web), web) == []
    left = reach(isolated(now, web, {"app": "web", QUARANTINE: "quarantine"}), web)
    assert [one["src"] for one in left] == ["shop/client[Pod]"], "another policy still admits the client"
    client = PodRef("shop", "client")
    assert len(reach(now, client)) == 3
    assert reach(isolated(now, client), client) == []
    with pytest.raises(UsageError, match="there is no shop/other"):
        reach(now, PodRef("shop", "other"))


def test_a_stateful_sets_pods_keep_their_labels() -> None:
    template: Json = {"metadata": {"labels": {"app": "web"}}}
    rule: Json = {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]}
    allow: Json = {"kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": rule}
    for kind, left in (("StatefulSet", 1), ("Deployment", 0)):
        now, pod = world([workload(kind, template), allow], live=False), PodRef("default", "made")
        assert len(reach(isolated(now, pod), pod)) == left


@pytest.mark.parametrize(
    "kind",
    ["Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job", "CronJob"],
)
def test_workloads_stand_for_their_pods(tmp_path: Path, kind: str) -> None:
    template: Json = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}
    made = workload(kind, template)
    made["metadata"]["labels"] = {"app": "web"}  # a Pod's own
    body = {"apiVersion": "v1", "kind": "List", "items": [made, {"kind": "ConfigMap", "data": {}}, "nonsense"]}
    deny: Json = {
        "kind": "NetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}},
    }
    folder = write(tmp_path, a_json=json.dumps(body), b_json=json.dumps({"kind": "NetworkPolicyList", "items": [deny]}))
    expected = [{"src": f"default/made[{kind}]", "dst": "0.0.0.0/0", "ports": "all"}]
    assert reach(manifests.load(folder)) == expected
    assert reach(manifests.load(folder / "b.json")) == []


def test_pods_go_under_their_first_owner() -> None:
    def owned(kind: str, name: str, owner: str, by: str) -> Json:
        owners = [{"kind": "Other", "name": "x"}, {"kind": owner, "name": by, "controller": True}]
        return {"kind": kind, "metadata": {"name": name, "ownerReferences": owners}}

    chain = [owned("Pod", "p1", "ReplicaSet", "rs"), owned("Pod", "p2", "ReplicaSet", "rs")]
    chain += [owned("ReplicaSet", "rs", "Deployment", "web"), {"kind": "Deployment", "metadata": {"name": "web"}}]
    assert {str(one) for one in world(chain, live=False).endpoints} == {"default/web[Deployment]"}
    ring = [owned("ReplicaSet", "a", "ReplicaSet", "b"), owned("ReplicaSet", "b", "ReplicaSet", "a")]
    assert {str(one) for one in world(ring, live=False).endpoints} <= {"default/a[ReplicaSet]", "default/b[ReplicaSet]"}
    static = world([owned("Pod", "etcd", "Node", "node1")], live=False)
    assert [str(one) for one in static.endpoints] == ["default/etcd[Pod]"]


def test_ipv6_is_spoken_of_where_there_is_some() -> None:
    def ends(**spec: Any) -> set[str]:  # noqa: ANN401
        pod: Json = {"kind": "Pod", "metadata": {"name": "a"}}
        policy: Json = {"kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": spec}
        return {one["src"] for one in reach(world([pod, policy], live=False))} - {"default/a[Pod]"}

    block = {"cidr": "2001:db8::/32", "except": ["2001:db8::/33"]}
    assert ends(ingress=[{"from": [{"ipBlock": block}]}]) == {"2001:db8:8000::/33"}
    assert ends(ingress=[{}]) == {"0.0.0.0/0"}
    assert ends(ingress=[{}], egress=[{"to": [{"ipBlock": block}]}]) == {"0.0.0.0/0", "::/0"}
    assert ends(ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}, {"ipBlock": {"cidr": "11.0.0.0/8"}}]}]) == {
        "10.0.0.0/7"
    }


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "a: [", "cannot be read"),
        ("a.yaml", "a: b: c", "cannot be read"),
        ("a.json", "{", "cannot be read"),
        ("a.yaml", "\x00", "cannot be read"),
        ("a.yaml", POLICY.replace("http", "0"), "NetworkPolicy shop/web: not a port: 0"),
        ("a.yaml", POD.replace("{app: web}", "{v: 1.10}"), "Pod shop/web: the label v is not a text, but 1.1"),
    ],
)
def test_what_cannot_be_read_is_not_passed_over(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=said):
        manifests.load(tmp_path)


TIERED = """
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: wall}
spec:
  priority: 5
  subject: {namespaces: {}}
  ingress: [{action: Deny, from: [{namespaces: {}}]}]
"""
BASE = TIERED.replace("Admin", "BaselineAdmin").replace("wall", "default").replace("  priority: 5\n", "")
SPACE = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}\n"
WEB = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {metadata: {labels: {a: b}}}}}\n"


@pytest.mark.parametrize(
    ("text", "changed", "name"),
    [
        (POLICY, ("http", "80"), "NetworkPolicy shop/web"),
        (TIERED, ("Deny", "Pass"), "AdminNetworkPolicy wall"),
        (BASE, ("Deny", "Allow"), "BaselineAdminNetworkPolicy default"),
        (SPACE, ("team: a", "team: b"), "Namespace shop"),
        (POD, ("8080", "80"), "Pod shop/web"),
        (WEB, ("a: b", "a: c"), "Deployment default/web"),
    ],
)
def test_what_is_there_twice_is_one_and_two_that_differ_are_refused(
    tmp_path: Path, text: str, changed: tuple[str, str], name: str
) -> None:
    once = manifests.load(write(tmp_path / "once", a_yaml=text, c_yaml=CLIENT))
    assert manifests.load(write(tmp_path / "twice", a_yaml=text, b_yaml=text, c_yaml=CLIENT)) == once
    with pytest.raises(UsageError, match=f"{name} is there twice, and not alike"):
        manifests.load(write(tmp_path / "two", a_yaml=text, b_yaml=text.replace(*changed), c_yaml=CLIENT))


def test_objects_of_one_name_and_several_groups_are_several(tmp_path: Path) -> None:
    amazon = TIERED.replace("AdminNetworkPolicy", "ClusterNetworkPolicy").replace("subject", "tier: Admin\n  subject")
    theirs = amazon.replace("policy.networking.k8s.io", "networking.k8s.aws")
    ours = amazon.replace("v1alpha1", "v1alpha2").replace("Deny", "Pass")
    assert len(manifests.load(write(tmp_path, a_yaml=theirs, b_yaml=ours, c_yaml=TIERED)).tiers) == 3


def test_the_server_makes_up_a_name_for_each_that_has_none(tmp_path: Path) -> None:
    nameless = [text.replace("name: web", "generateName: web-", 1) for text in (POLICY, POLICY.replace("http", "80"))]
    assert len(manifests.load(write(tmp_path, a_yaml="---".join(nameless))).policies) == 2


def test_what_would_count_but_is_not_read_is_named(tmp_path: Path) -> None:
    calico = POLICY.replace("networking.k8s.io/v1", "crd.projectcalico.org/v1")
    rollout = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r}, spec: {template: {spec: %s}}}\n"
    volcano = rollout.replace("argoproj.io/v1alpha1", "batch.volcano.sh/v1alpha1").replace("Rollout", "Job")
    other = "{kind: ConfigMap, metadata: {name: c}}\n---\n{kind: {odd: kind}}\n"
    made = [text % "{containers: [{name: a}]}" for text in (rollout, volcano)]
    found = manifests.load(write(tmp_path, a_yaml="---\n".join([POD, calico, *made, other])))
    assert found.unread == ("NetworkPolicy shop/web", "Rollout default/r", "Job default/r")
    assert [str(one) for one in found.endpoints] == ["shop/web[Pod]"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_manifests_in_the_encodings_of_yaml(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.yaml").write_text(POD, encoding)
    assert len(manifests.load(tmp_path).endpoints) == 1


def test_json_documents_line_by_line(tmp_path: Path) -> None:
    pods = [{"kind": "Pod", "metadata": {"name": name}} for name in ("a", "b")]
    (tmp_path / "a.json").write_text("\n".join(map(json.dumps, pods)) + "\n")
    assert [one.name for one in manifests.load(tmp_path).endpoints] == ["a", "b"]
    (tmp_path / "a.json").write_text("{kind: Pod, metadata: {name: yaml}}")
    assert [one.name for one in manifests.load(tmp_path).endpoints] == ["yaml"]


def test_a_label_without_a_value_is_the_empty_text(tmp_path: Path) -> None:
    (found,) = manifests.load(write(tmp_path, a_yaml=POD.replace("{app: web}", "{app: }"))).endpoints
    assert found.labels == {"app": ""}


def test_files_that_are_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        manifests.load(tmp_path / "absent")
    monkeypatch.setattr(manifests, "MAX_BYTES", 10)
    with pytest.raises(UsageError, match="is larger than"):
        manifests.load(write(tmp_path, a_yaml=POD))
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(UsageError, match="no pod, workload or network policy in"):
        manifests.load(tmp_path)
    (tmp_path / "b.yaml").symlink_to("nowhere")
    with pytest.raises(UsageError, match="cannot read"):
        manifests.load(tmp_path)


def test_a_linked_folder_is_read_once_and_links_that_go_round_end(tmp_path: Path) -> None:
    folder, elsewhere = write(tmp_path / "k", a_yaml=POD), write(tmp_path / "elsewhere", sub__b_yaml=POLICY)
    (folder / "linked").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere)
    (elsewhere / "sub" / "up").symlink_to(tmp_path)
    (elsewhere / "round").symlink_to(folder)
    found = manifests.load(folder)
    assert [(one.name, len(found.policies)) for one in found.endpoints] == [("web", 1)]


@pytest.mark.parametrize("name", ["a" * 300, "k"])
def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refusing(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "k")

    (tmp_path / "k").mkdir()
    monkeypatch.setattr(os, "scandir", refusing)  # root may look into any
    with pytest.raises(UsageError, match="cannot read"):
        manifests.load(tmp_path / name)


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Range]:
    with server.start(0, home=tmp_path / "range") as started:
        yield started


def test_a_live_world(practice: Range) -> None:
    cluster = connect(ClusterSettings(str(practice.kubeconfig)))
    seen = live.load(cluster)
    assert {"payments", "default"} <= seen.namespaces.keys()
    victim = next(one for one in seen.endpoints if one.namespace == "payments" and one.addresses)
    ref = PodRef(victim.namespace, victim.name)
    assert {one["src"] for one in reach(seen, ref)} > {str(victim)}
    assert reach(isolated(seen, ref), ref) == []


def test_a_live_world_leaves_out_what_has_ended() -> None:
    pods: list[Json] = [
        {"kind": "Pod", "metadata": {"name": "ended"}, "status": {"phase": "Succeeded"}},
        {
            "kind": "Pod",
            "metadata": {"name": "node"},
            "spec": {"hostNetwork": True},
            "status": {"podIPs": [{"ip": "10.0.0.1"}]},
        },
        {"kind": "Pod", "metadata": {"name": "web"}, "status": {"podIPs": [{"ip": "10.1.0.1"}]}},
    ]
    deny: Json = {
        "kind": "NetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"ingress": [{"from": [{"podSelector": {}}]}]},
    }
    seen = world([*pods, deny], live=True)
    found = {(one["src"], one["dst"]) for one in reach(seen)}
    assert ("0.0.0.0/0", "default/node[Pod]") in found, "no policy governs a pod on its node's network"
    assert ("default/node[Pod]", "default/web[Pod]") not in found, "no selector finds it either"
