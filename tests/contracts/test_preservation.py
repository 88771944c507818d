"""What keeps a quarantined pod in being, put and taken back: the same on the practice cluster and on a real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from irkit.cluster.needs.rbac import cluster_role
from irkit.cluster.protocol import Json
from irkit.cluster.resources import NETWORK_POLICIES, NODES, POD_DISRUPTION_BUDGETS, PODS, ROLE_BINDINGS
from irkit.contain import isolate as isolation
from irkit.contain import marks
from irkit.contain import release as releasing
from irkit.contain.hand import Hand
from irkit.contain.identity.nouns import Blast
from irkit.contain.identity.restore import restore
from irkit.contain.identity.revoke import revoke
from irkit.contain.preserve import guard, node
from irkit.contain.preserve.keep import ASIDE, Preserving
from irkit.contain.quarantine import Extent, quarantine
from irkit.contain.release import release
from irkit.errors import ClusterError, Forbidden, Refused, UsageError
from irkit.model.isolation import Change, Isolation
from irkit.model.pod import PodRef
from tests.contracts.test_isolation import CLOSED, label, lasting, make, no_one, policies, read
from tests.contracts.worlds import PracticeWorld, World
from tests.waiting import until

GLASS = "irkit-test:break-glass"
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction"}


def keep(world: World, ref: PodRef, *, dry_run: bool = False, **how: Any) -> Isolation:  # noqa: ANN401
    hand = Hand(world.cluster, no_one, dry_run)
    return quarantine(ref, hand, Extent(preserve=Preserving(**how)), case="IR-7", run="run-1")


def budget(world: World, ref: PodRef) -> Json:
    return world.cluster.get(POD_DISRUPTION_BUDGETS.path(ref.namespace, marks.policy_name(ref.uid or ""))).json()


def patch(world: World, ref: PodRef, *operations: Json) -> None:
    world.cluster.patch(PODS.path(ref.namespace, ref.name), operations)


def test_autoscalers_and_evictions_are_kept_off_and_everything_comes_back(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    karpenter, autoscaler = ASIDE
    patch(world, ref, {"op": "add", "path": "/metadata/annotations", "value": {autoscaler: "true", "team": "a"}})
    was = read(world, ref)
    would = keep(world, ref, dry_run=True)
    assert lasting(read(world, ref)) == lasting(was)
    done = keep(world, ref)
    assert [(change.action, change.kind) for change in done.changes] == [(c.action, c.kind) for c in would.changes]
    assert [change.kind for change in done.changes] == ["NetworkPolicy", "Pod", "Pod", "PodDisruptionBudget"]
    assert (done.verdict, len(done.preserved), done.warnings) == (CLOSED, 2, done.warnings[:2])
    assert read(world, ref)["metadata"]["annotations"].items() >= {**ASIDE, "team": "a"}.items()
    assert budget(world, ref)["spec"] == {
        "minAvailable": 1,
        "selector": {"matchLabels": {marks.QUARANTINE: ref.uid}},
    }
    assert keep(world, ref).changes == ()
    changes = release(ref, world.cluster, before=no_one)
    assert [change.kind for change in changes] == ["Pod", "PodDisruptionBudget", "NetworkPolicy"]
    assert lasting(read(world, ref)) == lasting(was)
    with pytest.raises(ClusterError):
        budget(world, ref)
    assert karpenter not in read(world, ref)["metadata"]["annotations"]


def test_what_others_set_meanwhile_stays(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    keep(world, ref)
    key = next(iter(ASIDE))
    path = f"/metadata/annotations/{key.replace('/', '~1')}"
    patch(world, ref, {"op": "replace", "path": path, "value": "false"})
    release(ref, world.cluster, before=no_one)
    assert read(world, ref)["metadata"]["annotations"] == {key: "false"}


def test_what_was_taken_away_meanwhile_is_put_again(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    was = read(world, ref)
    keep(world, ref)
    place = POD_DISRUPTION_BUDGETS.path(ref.namespace, marks.policy_name(ref.uid or ""))
    world.cluster.delete(place, uid=budget(world, ref)["metadata"]["uid"])
    key = next(iter(ASIDE)).replace("/", "~1")
    patch(world, ref, {"op": "remove", "path": f"/metadata/annotations/{key}"})
    assert [change.kind for change in keep(world, ref).changes] == ["Pod", "PodDisruptionBudget"]
    release(ref, world.cluster, before=no_one)
    assert lasting(read(world, ref)) == lasting(was)


def test_a_budget_of_our_name_that_is_not_ours_is_left_alone(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    meta = {"name": marks.policy_name(ref.uid or ""), "namespace": ref.namespace}
    body: Json = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": {}}
    world.cluster.create(POD_DISRUPTION_BUDGETS.path(ref.namespace), body)
    done = keep(world, ref)
    assert done.verdict == CLOSED
    assert "is not ours" in done.warnings[-1]
    release(ref, world.cluster, before=no_one)
    assert budget(world, ref)["metadata"]["name"] == meta["name"]


def test_what_may_not_be_done_costs_no_isolation(world: World) -> None:
    ref = make(world)
    limited = world.limited(*cluster_role([*isolation.NEEDS, *releasing.NEEDS], "irkit", optional=False)["rules"])
    everything = Extent(preserve=Preserving(cordon=True, guard=GLASS))
    done = quarantine(ref, Hand(limited, no_one, False), everything, case="", run="")
    assert done.verdict == CLOSED
    assert len(done.preserved) == 1, "annotations need no more than the label does"
    assert sum("less well kept" in warning for warning in done.warnings) == 3
    warned: list[str] = []
    assert [change.kind for change in release(ref, limited, before=no_one, warn=warned.append)] == [
        "Pod",
        "NetworkPolicy",
    ]
    assert len(warned) == 3


def test_a_node_is_cordoned_for_as_long_as_one_pod_needs_it(world: World) -> None:
    refs = [world.running(), world.crashed()]
    pods = [read(world, ref) for ref in refs]
    refs = [ref.pinned(pod["metadata"]["uid"]) for ref, pod in zip(refs, pods, strict=True)]
    name = pods[0]["spec"]["nodeName"]
    was = world.cluster.get(NODES.path(name=name)).json()
    for ref in refs:
        assert (
            f"node {read(world, ref)['spec']['nodeName']} takes no new pods" in keep(world, ref, cordon=True).preserved
        )
    assert keep(world, refs[0], cordon=True).changes == ()
    kept = world.cluster.get(NODES.path(name=name)).json()
    assert kept["spec"]["unschedulable"] is True
    world.cluster.delete(PODS.path(refs[0].namespace, refs[0].name), uid=refs[0].uid or "")
    for ref in refs:
        release(ref, world.cluster, before=no_one)
    now = world.cluster.get(NODES.path(name=name)).json()
    assert now["spec"].get("unschedulable") == was["spec"].get("unschedulable")
    assert now["metadata"].get("labels") == was["metadata"].get("labels")
    assert node.FOR not in now["metadata"].get("annotations", {})


def test_a_pod_without_a_node_is_isolated_all_the_same(world: World) -> None:
    done = keep(world, make(world, nodeSelector={"no": "such"}), cordon=True)
    assert (done.verdict, done.warnings[-1]) == (
        CLOSED,
        "the pod is less well kept than asked for: the pod has no node yet",
    )


@pytest.mark.parametrize("group", ["", "a'b", "x\n", "'] || true || ['"])
def test_a_group_is_a_name_and_no_expression(group: str) -> None:
    if group:
        with pytest.raises(UsageError):
            Preserving(guard=group)
    else:
        assert Preserving(guard=group) == Preserving()


def test_a_guard_is_put_and_taken_back(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    was = read(world, ref)
    done = keep(world, ref, guard=GLASS)
    assert [change.kind for change in done.changes][-2:] == [
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ]
    assert keep(world, ref, guard=GLASS).changes == ()
    assert [change.place for change in done.changes][-1] == f"irkit-guard-{ref.uid}"
    announced: list[Change] = []
    changes = release(ref, world.cluster, before=announced.append)
    assert tuple(announced) == changes
    assert [change.kind for change in changes][:2] == ["ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"]
    assert lasting(read(world, ref)) == lasting(was)
    assert guard.found(world.cluster, ref) == []


def test_labels_that_others_changed_leave_the_guard_in_place(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    keep(world, ref)
    label(world, ref, "app", "db")
    keep(world, ref, guard=GLASS)
    with pytest.raises(Refused, match="app is db"):
        release(ref, world.cluster, before=no_one)
    assert len(guard.found(world.cluster, ref)) == 2
    release(ref, world.cluster, before=no_one, force=True)
    assert guard.found(world.cluster, ref) == []


def refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except Forbidden as error:
        assert "quarantined by irkit as evidence" in error.message
        return True
    return False


def test_the_guard_refuses_all_that_would_lose_the_pod(world: World) -> None:
    if isinstance(world, PracticeWorld):
        pytest.skip("the practice cluster keeps admission policies, and does not obey them")
    ref, other = make(world, labels={"app": "web"}), make(world, "bystander", labels={"app": "web"})
    was = read(world, ref)
    keep(world, ref, guard=GLASS)
    cluster, path, name = world.cluster, PODS.path(ref.namespace, ref.name), marks.policy_name(ref.uid or "")
    until(lambda: refused(lambda: cluster.delete(path, uid=ref.uid or "", dry_run=True)))
    eviction = {**EVICTION, "metadata": {"name": ref.name, "namespace": ref.namespace}}
    removal: Json = {"op": "remove", "path": f"/metadata/labels/{marks.QUARANTINE.replace('/', '~1')}"}
    addition: Json = {"op": "add", "path": "/metadata/labels/app", "value": "other"}
    ours = policies(world)[name]
    opened: Json = {"op": "add", "path": "/spec/ingress", "value": [{}]}
    place, kept = NETWORK_POLICIES.path(ref.namespace, name), budget(world, ref)
    for act in (
        lambda: cluster.create(f"{path}/eviction", eviction),
        lambda: cluster.patch(path, [removal]),
        lambda: cluster.patch(f"{path}/status", [addition]),
        lambda: cluster.delete(path, uid=ref.uid or ""),
        lambda: cluster.patch(place, [opened]),
        lambda: cluster.delete(place, uid=ours["metadata"]["uid"]),
        lambda: cluster.delete(POD_DISRUPTION_BUDGETS.path(ref.namespace, name), uid=kept["metadata"]["uid"]),
    ):
        assert refused(act)
    cluster.patch(path, [{"op": "add", "path": "/metadata/annotations/note", "value": "still writable"}])
    cluster.patch(path, [{"op": "remove", "path": "/metadata/annotations/note"}])
    label(world, other, "app", "db")
    cluster.delete(PODS.path(other.namespace, other.name), uid=other.uid or "")
    warned: list[str] = []
    would = release(ref, cluster, before=no_one, dry_run=True, warn=warned.append)
    assert [change.action for change in would] == ["delete", "delete"]
    assert "refuses even a dry run" in warned[0]
    announced: list[Change] = []
    assert release(ref, cluster, before=announced.append) == tuple(announced), "nothing is announced twice"
    assert lasting(read(world, ref)) == lasting(was)


def test_the_guard_keeps_what_was_taken_from_the_pods_account(world: World) -> None:
    if isinstance(world, PracticeWorld):
        pytest.skip("the practice cluster keeps admission policies, and does not obey them")
    ref, cluster = make(world), world.cluster
    place = ROLE_BINDINGS.path(world.namespace, "viewing")
    account = {"kind": "ServiceAccount", "name": "default", "namespace": world.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    for name in ("viewing", "another"):
        metadata = {"name": name, "namespace": world.namespace}
        whole: Json = {"apiVersion": ROLE_BINDINGS.api_version, "kind": "RoleBinding", "metadata": metadata}
        subjects = [account] if name == "viewing" else []
        cluster.create(ROLE_BINDINGS.path(world.namespace), {**whole, "roleRef": role, "subjects": subjects})
    was = cluster.get(place).json()["subjects"]
    revoke(ref, cluster, case="", blast=Blast.ACCOUNT, before=no_one)
    keep(world, ref, guard=GLASS)
    again: list[Json] = [{"op": "add", "path": "/subjects", "value": [account]}]
    until(lambda: refused(lambda: cluster.patch(place, again, dry_run=True)))
    assert refused(lambda: restore(ref, cluster, before=no_one)), "release it first"
    cluster.patch(ROLE_BINDINGS.path(world.namespace, "another"), again)
    release(ref, cluster, before=no_one)
    restore(ref, cluster, before=no_one)
    assert cluster.get(place).json()["subjects"] == was


def test_who_may_break_the_glass_is_not_refused(world: World) -> None:
    if isinstance(world, PracticeWorld):
        pytest.skip("the practice cluster keeps admission policies, and does not obey them")
    ref = make(world)
    keep(world, ref, guard="system:masters")
    cluster, path = world.cluster, PODS.path(ref.namespace, ref.name)
    limited = world.limited({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "delete"]})
    until(lambda: refused(lambda: limited.delete(path, uid=ref.uid or "", dry_run=True)))
    cluster.delete(path, uid=ref.uid or "")
    release(ref, cluster, before=no_one)
    assert guard.found(cluster, ref) == []
