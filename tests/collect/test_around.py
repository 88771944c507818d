from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.collect.around.identity import Identity
from irkit.collect.around.owners import DEPTH, Owners
from irkit.collect.around.place import Node
from irkit.collect.capture import capture
from irkit.collect.piece import Found
from irkit.model.evidence import GapReason
from irkit.model.pod import Target
from tests.collect.api import Route, no, ok, serving
from tests.collect.scene import RBAC, TARGET, UID, artifacts, binding, gaps, owned_by, pod, routes, thing

APPS = "/apis/apps/v1/namespaces/shop"


def owners(tmp_path: Path, scene: dict[str, Route], target: Target = TARGET) -> list[Found]:
    with serving(scene) as api:
        return list(capture(target, api.connect(tmp_path), tmp_path / "data", collectors=[Owners()]))


@pytest.mark.parametrize(
    ("group", "kind", "path"),
    [
        ("apps/v1", "StatefulSet", "/apis/apps/v1/namespaces/shop/statefulsets/it"),
        ("apps/v1", "DaemonSet", "/apis/apps/v1/namespaces/shop/daemonsets/it"),
        ("v1", "ReplicationController", "/api/v1/namespaces/shop/replicationcontrollers/it"),
        ("v1", "Node", "/api/v1/nodes/it"),
        ("batch/v1", "CronJob", "/apis/batch/v1/namespaces/shop/cronjobs/it"),
    ],
)
def test_each_kind_of_owner_is_found(tmp_path: Path, group: str, kind: str, path: str) -> None:
    scene = routes(pod=ok(pod(owner=owned_by("Job", "made", "batch/v1"))))
    scene["/apis/batch/v1/namespaces/shop/jobs/made"] = ok(thing("made", owned_by(kind, "it", group)))
    scene[path] = ok(thing("it"))
    expected = {"owners/job-made.json", f"owners/{kind.lower()}-it.json", "owners/changes.json"}
    assert set(artifacts(owners(tmp_path, scene))) == expected


def test_an_unknown_kind_is_named(tmp_path: Path) -> None:
    scene = routes(pod=ok(pod(owner=owned_by("Rollout", "web", "argoproj.io/v1alpha1"))))
    (gap,) = gaps(owners(tmp_path, scene)).values()
    assert (gap.target, gap.detail) == (
        "owner Rollout web",
        "irkit does not follow owners of kind Rollout.argoproj.io",
    )


def test_an_owner_of_the_same_name_but_another_uid_is_not_taken(tmp_path: Path) -> None:
    scene = routes(pod=ok(pod(owner=owned_by("ReplicaSet", "web-6d9f", uid="the-first"))))
    found = owners(tmp_path, scene)
    assert set(artifacts(found)) == {"owners/changes.json"}
    assert gaps(found)["owner ReplicaSet web-6d9f"].reason is GapReason.REPLACED


def test_a_ring_of_owners_ends(tmp_path: Path) -> None:
    ring = owned_by("ReplicaSet", "web-6d9f")
    scene = routes(replicaset=ok(thing("web-6d9f", ring)))
    found = owners(tmp_path, scene)
    assert set(artifacts(found)) == {"owners/replicaset-web-6d9f.json", "owners/changes.json"}
    (gap,) = gaps(found).values()
    assert f"more than {DEPTH} links" in gap.detail


def test_a_bare_pod_has_no_owner(tmp_path: Path) -> None:
    bare = pod()
    del bare["metadata"]["ownerReferences"]
    assert owners(tmp_path, routes(pod=ok(bare)), Target("shop", "web", UID)) == []


def test_of_a_pod_taken_out_of_its_workload_the_owner_of_then_is_found(tmp_path: Path) -> None:
    orphan = pod()
    del orphan["metadata"]["ownerReferences"]
    assert "owners/replicaset-web-6d9f.json" in artifacts(owners(tmp_path, routes(pod=ok(orphan))))


def test_a_bare_pod_that_is_gone_has_no_owner(tmp_path: Path) -> None:
    assert owners(tmp_path, routes(pod=no(404, "NotFound", "gone")), Target("shop", "web", UID)) == []


def subject(kind: str, name: str, namespace: str | None = None) -> dict[str, str]:
    return {"kind": kind, "name": name} | ({"namespace": namespace} if namespace else {})


def reach(tmp_path: Path, scene: dict[str, Route], target: Target = TARGET) -> dict[str, Any]:
    with serving(scene) as api:
        list(capture(target, api.connect(tmp_path), tmp_path / "data", collectors=[Identity()]))
    found = json.loads((tmp_path / "data/identity/reach.json").read_bytes())
    assert isinstance(found, dict)
    return found


def test_reach_tells_each_grant_with_its_rules(tmp_path: Path) -> None:
    assert reach(tmp_path, routes()) == {
        "serviceAccount": "shop/web",
        "grants": [
            {
                "binding": "RoleBinding/mine",
                "via": "ServiceAccount web",
                "role": "Role/reader",
                "rules": [{"verbs": ["get"]}],
            },
            {
                "binding": "ClusterRoleBinding/all",
                "via": "Group system:authenticated",
                "role": "ClusterRole/basic",
                "rules": [],
            },
        ],
        "complete": True,
    }


@pytest.mark.parametrize(
    ("who", "fits"),
    [
        (subject("ServiceAccount", "web", "shop"), True),
        (subject("ServiceAccount", "web", "bank"), False),
        (subject("ServiceAccount", "db", "shop"), False),
        (subject("User", "system:serviceaccount:shop:web"), True),
        (subject("User", "web"), False),
        (subject("Group", "system:serviceaccounts"), True),
        (subject("Group", "system:serviceaccounts:shop"), True),
        (subject("Group", "system:serviceaccounts:bank"), False),
        (subject("Group", "system:masters"), False),
    ],
)
def test_which_subjects_stand_for_the_account(tmp_path: Path, who: dict[str, str], fits: bool) -> None:
    bound = binding("it", "reader", subject("User", "eve"), who)
    scene = routes(bindings=ok({"items": [bound]}), cluster_bindings=ok({"items": []}))
    assert [each["binding"] for each in reach(tmp_path, scene)["grants"]] == (["RoleBinding/it"] if fits else [])


def test_reach_without_the_cluster_bindings_is_not_complete(tmp_path: Path) -> None:
    found = reach(tmp_path, routes(cluster_bindings=no(403, "Forbidden", "no")))
    assert found["complete"] is False
    assert [each["role"] for each in found["grants"]] == ["Role/reader"]


def test_reach_without_a_role_does_not_know_its_rules(tmp_path: Path) -> None:
    found = reach(tmp_path, routes(role=no(404, "NotFound", "no such role")))
    assert (found["grants"][0]["rules"], found["complete"]) == (None, False)


def test_a_pod_without_an_account_has_the_default_one(tmp_path: Path) -> None:
    scene = routes() | {"/api/v1/namespaces/shop/serviceaccounts/default": ok(thing("default"))}
    assert reach(tmp_path, scene, Target("shop", "web", UID))["serviceAccount"] == "shop/default"


def test_a_role_bound_twice_is_taken_once(tmp_path: Path) -> None:
    mine = subject("ServiceAccount", "web", "shop")
    scene = routes(bindings=ok({"items": [binding("one", "reader", mine), binding("two", "reader", mine)]}))
    with serving(scene) as api:
        list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Identity()]))
        assert api.asked.count(f"{RBAC}/namespaces/shop/roles/reader") == 1


def test_a_pod_that_was_never_scheduled_has_no_node(tmp_path: Path) -> None:
    with serving({}) as api:
        cluster = api.connect(tmp_path)
        found = list(capture(Target("shop", "web", UID), cluster, tmp_path / "data", collectors=[Node()]))
    assert [each.reason for each in gaps(found).values()] == [GapReason.NEVER_EXISTED]


KEYS = st.sampled_from(["name", "items", "kind", "uid"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from(["metadata", "spec", "status", "items", "roleRef"]), JSON)


@settings(max_examples=10)
@given(hostile=OBJECTS, path=st.sampled_from(sorted(routes())), pinned=st.booleans())
def test_nothing_a_server_says_gets_out_as_an_exception(
    tmp_path_factory: pytest.TempPathFactory, hostile: dict[str, Any], path: str, pinned: bool
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    body = hostile | ({"metadata": {"uid": UID, "ownerReferences": hostile}} if pinned else {})
    with serving(routes() | {path: ok(body)}) as api:
        found = list(capture(TARGET, api.connect(folder), folder / "data"))
    assert artifacts(found)
