"""What irkit relies on when it speaks to a cluster: the same on the practice cluster and on a real one."""

from __future__ import annotations

import json

import pytest

from irkit.cluster.client import connect
from irkit.cluster.engines import engines
from irkit.cluster.identity import identity, kubernetes_user
from irkit.cluster.needs.doctor import diagnose
from irkit.cluster.needs.rbac import cluster_role, missing
from irkit.cluster.objects import items
from irkit.cluster.protocol import Json
from irkit.cluster.resolve import check, resolve
from irkit.cluster.resources import CLUSTER_ROLES, CONFIG_MAPS, NETWORK_POLICIES, NODES, PODS, SECRETS
from irkit.errors import AlreadyExists, Conflict, Forbidden, Gone, Invalid, NotFound, PodReplaced, Unauthorized
from irkit.model.pod import PodRef
from irkit.settings import ClusterSettings
from tests.contracts.worlds import World, config_map, names_in, pod

READ_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}


def make(world: World, name: str, **data: str) -> Json:
    return world.cluster.create(CONFIG_MAPS.path(world.namespace), config_map(name, world.namespace, **data)).json()


def place(world: World, name: str) -> str:
    return CONFIG_MAPS.path(world.namespace, name)


def test_what_is_read_is_what_the_server_sent(world: World) -> None:
    make(world, "a", text="ä\u2028\t<>&")
    reply = world.cluster.get(place(world, "a"))
    assert reply.body == world.raw(place(world, "a"))
    assert reply.json()["data"] == {"text": "ä\u2028\t<>&"}
    assert reply.call.status == 200
    assert reply.call.server_date is not None


def test_every_call_carries_its_audit_id(world: World) -> None:
    first, second = (world.cluster.get("/version").call.audit_id for _ in range(2))
    assert first is not None
    assert second is not None
    assert first != second


def test_what_is_absent_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match='configmaps "absent" not found') as caught:
        world.cluster.get(place(world, "absent"))
    assert (caught.value.status, caught.value.reason) == (404, "NotFound")
    with pytest.raises(NotFound):
        world.cluster.get("/apis/no-such-group.example/v1/things")
    with pytest.raises(NotFound), world.cluster.stream(PODS.path(world.namespace, "absent", "log")):
        pytest.fail("there is no such log")


def test_unknown_credentials_are_unauthorized(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    config = json.loads(json.dumps(_plain(world)))
    config["users"][0]["user"] = {"token": "nobody"}
    path = tmp_path_factory.mktemp("nobody") / "nobody.conf"
    path.write_text(json.dumps(config))
    with pytest.raises(Unauthorized):
        connect(ClusterSettings(str(path))).get(PODS.path(world.namespace))


def _plain(world: World) -> Json:
    from ruamel.yaml import YAML

    loaded: Json = YAML(typ="safe").load(world.kubeconfig)
    return loaded


def test_a_forbidden_call_names_the_permission(world: World) -> None:
    limited = world.limited(READ_PODS)
    assert limited.get(PODS.path(world.namespace)).json()["kind"] == "PodList"
    with pytest.raises(Forbidden, match="cannot list resource") as caught:
        list(limited.pages(SECRETS.path(world.namespace)))
    assert "permission to list secrets" in caught.value.hint
    with pytest.raises(Forbidden) as caught:
        limited.create(NETWORK_POLICIES.path(world.namespace), {"kind": "NetworkPolicy"})
    assert "create networkpolicies.networking.k8s.io" in caught.value.hint


def test_long_lists_come_in_pages(world: World) -> None:
    for name in "abcde":
        make(world, name)
    pages = list(world.cluster.pages(CONFIG_MAPS.path(world.namespace), {"limit": "2"}))
    assert [len(page.json()["items"]) for page in pages][:2] == [2, 2]
    assert all(page.consistent for page in pages)
    assert {item["metadata"]["name"] for item in items(pages)} >= set("abcde")


def test_an_expired_list_goes_on_and_says_so(world: World) -> None:
    for name in "abc":
        make(world, name)
    path = CONFIG_MAPS.path(world.namespace)
    token = world.expire(world.cluster.get(path, {"limit": "1"}).json()["metadata"]["continue"])
    with pytest.raises(Gone):
        world.cluster.get(path, {"limit": "1", "continue": token})
    pages = list(world.cluster.pages(path, {"limit": "1", "continue": token}))
    assert not any(page.consistent for page in pages)
    assert {item["metadata"]["name"] for item in items(pages)} >= {"b", "c"}


def test_a_name_can_be_taken_once(world: World) -> None:
    make(world, "a")
    with pytest.raises(AlreadyExists):
        make(world, "a")


def test_an_invalid_object_is_refused_with_its_reason(world: World) -> None:
    with pytest.raises(Invalid, match="metadata.name"):
        make(world, "Not_A_Name")


def test_a_dry_run_leaves_nothing(world: World) -> None:
    made = make(world, "a", x="1")
    uid, home = made["metadata"]["uid"], CONFIG_MAPS.path(world.namespace)
    before = world.raw(place(world, "a"))
    tried = world.cluster.create(home, config_map("b", world.namespace), dry_run=True).json()
    assert tried["metadata"]["uid"]
    world.cluster.apply(place(world, "c"), config_map("c", world.namespace), dry_run=True)
    patched = world.cluster.patch(place(world, "a"), [{"op": "add", "path": "/data/y", "value": "2"}], dry_run=True)
    assert patched.json()["data"] == {"x": "1", "y": "2"}
    world.cluster.delete(place(world, "a"), uid=uid, dry_run=True)
    assert names_in(world) == {"a"}
    assert world.raw(place(world, "a")) == before


def test_applying_twice_changes_nothing(world: World) -> None:
    wanted = config_map("a", world.namespace, x="1")
    first = world.cluster.apply(place(world, "a"), wanted).json()
    second = world.cluster.apply(place(world, "a"), wanted).json()
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    assert first["metadata"]["managedFields"][0]["manager"] == "irkit"
    assert first["metadata"]["managedFields"][0]["operation"] == "Apply"


def test_a_field_that_another_manager_owns_is_not_taken(world: World) -> None:
    make(world, "a", x="1")
    with pytest.raises(Conflict, match="conflict"):
        world.cluster.apply(place(world, "a"), config_map("a", world.namespace, x="2"))
    assert world.cluster.get(place(world, "a")).json()["data"] == {"x": "1"}


def test_a_patch_tests_uid_and_resource_version(world: World) -> None:
    made = make(world, "a")["metadata"]
    for tested, value in (("uid", "someone-else"), ("resourceVersion", "1")):
        with pytest.raises(Conflict, match="not as it was read"):
            world.cluster.patch(place(world, "a"), labelled(**{tested: value}))
    done = world.cluster.patch(place(world, "a"), labelled(uid=made["uid"], resourceVersion=made["resourceVersion"]))
    assert done.json()["metadata"]["labels"] == {"q": "1"}


def labelled(**tests: str) -> list[Json]:
    checks: list[Json] = [{"op": "test", "path": f"/metadata/{key}", "value": value} for key, value in tests.items()]
    return [*checks, {"op": "add", "path": "/metadata/labels", "value": {"q": "1"}}]


def test_only_the_object_that_is_meant_is_deleted(world: World) -> None:
    made = make(world, "a")["metadata"]
    with pytest.raises(Conflict):
        world.cluster.delete(place(world, "a"), uid="someone-else")
    with pytest.raises(Conflict):
        world.cluster.delete(place(world, "a"), uid=made["uid"], resource_version="1")
    assert names_in(world) == {"a"}
    world.cluster.delete(place(world, "a"), uid=made["uid"], resource_version=made["resourceVersion"])
    assert names_in(world) == set()
    with pytest.raises(NotFound):
        world.cluster.delete(place(world, "a"), uid=made["uid"])


def test_logs_are_streamed_current_and_previous(world: World) -> None:
    ref = world.crashed()
    path = PODS.path(ref.namespace, ref.name, "log")

    def log(**query: str) -> bytes:
        with world.cluster.stream(path, query) as stream:
            return b"".join(stream)

    assert log(container="app") == b"second\n"
    assert log(container="app", previous="true") == b"first\n"
    stamped = log(container="app", timestamps="true")
    assert stamped.endswith(b"Z second\n")
    assert len(stamped) > len("2026-11-23T03:00:00Z second\n")


def test_a_log_that_never_was_is_invalid(world: World) -> None:
    ref = world.running()
    path = PODS.path(ref.namespace, ref.name, "log")
    with pytest.raises(Invalid, match="container nobody is not valid for pod running"):
        world.cluster.get(path, {"container": "nobody"})
    with pytest.raises(Invalid, match='previous terminated container "app" in pod "running" not found') as caught:
        world.cluster.get(path, {"container": "app", "previous": "true"})
    assert (caught.value.status, caught.value.reason) == (400, "BadRequest")


def test_the_log_of_a_pod_without_a_node_is_empty(world: World) -> None:
    world.cluster.create(PODS.path(world.namespace), pod("unplaced", world.namespace, nodeSelector={"no": "node"}))
    assert world.cluster.get(PODS.path(world.namespace, "unplaced", "log"), {"container": "app"}).body == b""


def test_a_successor_of_the_same_name_is_not_the_pod(world: World) -> None:
    home, ref = PODS.path(world.namespace), PodRef(world.namespace, "web")
    unplaced = pod("web", world.namespace, nodeSelector={"no": "node"})
    world.cluster.create(home, unplaced)
    target, _ = resolve(ref, world.cluster)
    pinned = ref.pinned(target.uid)
    assert check(pinned, world.cluster).json()["metadata"]["uid"] == target.uid
    world.cluster.delete(PODS.path(world.namespace, "web"), uid=target.uid)
    with pytest.raises(NotFound, match="there is no pod"):
        check(pinned, world.cluster)
    world.cluster.create(home, unplaced)
    with pytest.raises(PodReplaced):
        check(pinned, world.cluster)
    with pytest.raises(NotFound, match="there is no namespace nowhere-at-all"):
        resolve(PodRef("nowhere-at-all", "web"), world.cluster)


def test_the_cluster_says_who_and_what_it_is(world: World) -> None:
    found = identity(world.cluster)
    assert found.version.startswith("v1.")
    assert found.skew is not None
    assert abs(found.skew) < 2
    assert kubernetes_user(world.cluster) != ""
    assert isinstance(engines(world.cluster), tuple)


def test_permissions_are_told_apart(world: World) -> None:
    needs = [PODS.permission("get"), PODS.permission("patch"), SECRETS.permission("list"), NODES.permission("get")]
    assert missing(needs, world.cluster, world.namespace) == ()
    lacking = missing(needs, world.limited(READ_PODS), world.namespace)
    assert set(lacking) == set(needs) - {PODS.permission("get")}


def test_the_role_that_is_printed_can_be_applied(world: World) -> None:
    role = cluster_role([PODS.permission("get"), NODES.permission("get", optional=True)], "irkit-contract")
    applied = world.cluster.apply(CLUSTER_ROLES.path(name="irkit-contract"), role, dry_run=True).json()
    assert applied["rules"] == role["rules"]


def test_the_doctor_finds_an_administrator_fit(world: World) -> None:
    checks = list(diagnose(world.cluster, [PODS.permission("get")], world.namespace))
    assert [check.name for check in checks] == [
        "cluster",
        "version",
        "clock",
        "namespace",
        "permission",
        "policy engine",
    ]
    assert all(check.ok is not False for check in checks)
