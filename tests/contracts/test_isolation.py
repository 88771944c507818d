"""Isolation and release: the same on the practice cluster and on a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from irkit import times
from irkit.cluster.needs.rbac import cluster_role
from irkit.cluster.objects import items
from irkit.cluster.protocol import Cluster, Json, Query, Reply
from irkit.cluster.resources import (
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
)
from irkit.contain import isolate as isolation
from irkit.contain import marks
from irkit.contain import release as releasing
from irkit.contain.hand import TRIES
from irkit.contain.isolate import isolate
from irkit.contain.release import release
from irkit.contain.survey import OTHERS
from irkit.errors import Conflict, Forbidden, NotFound, PodReplaced, Refused
from irkit.model.isolation import Change, Direction, Isolation, Proof, Residual, Verdict
from irkit.model.pod import PodRef
from tests.contracts.worlds import PracticeWorld, World, pod
from tests.waiting import until

CLOSED = dict.fromkeys(Direction, Verdict.UNVERIFIED)
SPEC = {"schedulingGates": [{"name": "irkit.dev/test"}]}  # a pod that need not run, and that nobody else changes


def no_one(change: Change) -> None:
    """Somebody who does not care about intents."""


def make(world: World, name: str = "victim", labels: dict[str, str] | None = None, **spec: Any) -> PodRef:  # noqa: ANN401
    body = pod(name, world.namespace, **{**SPEC, **spec})
    body["metadata"] |= {"labels": labels} if labels is not None else {}
    made = world.cluster.create(PODS.path(world.namespace), body).json()
    return PodRef(world.namespace, name, made["metadata"]["uid"])


def read(world: World, ref: PodRef) -> Json:
    return world.cluster.get(PODS.path(ref.namespace, ref.name)).json()


def policies(world: World) -> dict[str, Json]:
    listed = items(world.cluster.pages(NETWORK_POLICIES.path(world.namespace)))
    return {policy["metadata"]["name"]: policy for policy in listed}


def allow(world: World, name: str, selector: Json, **rules: Any) -> None:  # noqa: ANN401
    spec = {"podSelector": selector, "policyTypes": [key.capitalize() for key in rules], **rules}
    meta = {"name": name, "namespace": world.namespace}
    body: Json = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}
    world.cluster.create(NETWORK_POLICIES.path(world.namespace), body)


def label(world: World, ref: PodRef, key: str, value: str | None) -> None:
    op: Json = {"path": f"/metadata/labels/{key.replace('/', '~1')}"}
    op |= {"op": "remove"} if value is None else {"op": "add", "value": value}
    world.cluster.patch(PODS.path(ref.namespace, ref.name), [op])


def run(world: World, ref: PodRef, before: Callable[[Change], None] = no_one, **options: Any) -> Isolation:  # noqa: ANN401
    return isolate(ref, world.cluster, case="IR-7", run="run-1", before=before, **options)


def lasting(manifest: Json) -> Json:
    """What has to be the same after release."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    return {**manifest, "metadata": metadata}


@pytest.mark.parametrize("labels", [None, {"app": "web", "irkit.dev/quarantine": "old"}, {"a.b/c_d": ""}])
def test_a_pod_is_isolated_and_given_back_as_it_was(world: World, labels: dict[str, str] | None) -> None:
    ref = make(world, labels=labels)
    was = read(world, ref)
    announced: list[Change] = []
    done = run(world, PodRef(ref.namespace, ref.name), announced.append)
    assert (done.uid, done.verdict, done.residual) == (ref.uid, CLOSED, ())
    assert done.engine == "networking.k8s.io/v1"
    assert [(change.action, change.kind) for change in done.changes] == [("create", "NetworkPolicy"), ("patch", "Pod")]
    assert tuple(announced) == done.changes
    name = f"irkit-q-{ref.uid[:8]}" if ref.uid else ""
    ours = policies(world)[name]
    assert ours["metadata"]["annotations"] == {"irkit.dev/case": "IR-7", "irkit.dev/pod": "victim", marks.UID: ref.uid}
    assert ours["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "irkit", "irkit.dev/run": "run-1"}
    assert read(world, ref)["metadata"]["labels"] == {**(labels or {}), "irkit.dev/quarantine": ref.uid}
    assert run(world, ref).changes == ()
    assert run(world, ref).verdict == done.verdict
    announced.clear()
    undone = release(ref, world.cluster, before=announced.append)
    assert [(change.action, change.kind) for change in undone] == [("patch", "Pod"), ("delete", "NetworkPolicy")]
    assert tuple(announced) == undone
    assert lasting(read(world, ref)) == lasting(was)
    assert not policies(world)
    assert release(ref, world.cluster, before=no_one) == ()


def term(key: str, operator: str, *values: str) -> Json:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


TEMPLATED = {"ReplicaSet": REPLICA_SETS, "Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS}
TEMPLATED |= {"DaemonSet": DAEMON_SETS, "Job": JOBS}
WEB = {"app": "web"}


def workload(world: World, kind: str) -> tuple[PodRef, Json]:
    """The pod of a workload of `kind`, and the same as it is once nobody changes it any more."""
    template = {"metadata": {"labels": WEB}, "spec": {**pod("x", world.namespace)["spec"], **SPEC}}
    spec: Json = {"selector": {"matchLabels": WEB}, "template": template, "serviceName": "web"}
    if kind != "StatefulSet":
        del spec["serviceName"]
    if kind == "Job":
        del spec["selector"]
        template["spec"]["restartPolicy"] = "Never"
    resource, meta = TEMPLATED[kind], {"name": "web", "namespace": world.namespace}
    body = {"apiVersion": resource.api_version, "kind": kind, "metadata": meta, "spec": spec}
    world.cluster.create(resource.path(world.namespace), body)
    ref = PodRef(world.namespace, first_pod(world)["metadata"]["name"])
    # A controller with one pod too many deletes the younger one, and ages are in whole seconds.
    born = times.parse(read(world, ref)["metadata"]["creationTimestamp"]).timestamp()
    until(lambda: server_time(world) > born + 2)
    was = read(world, ref)
    return ref.pinned(was["metadata"]["uid"]), was


def server_time(world: World) -> float:
    date = world.cluster.get("/version").call.server_date
    return parsedate_to_datetime(date).timestamp() if date else 0.0


def pods_of(world: World) -> dict[str, Json]:
    return {one["metadata"]["name"]: one for one in items(world.cluster.pages(PODS.path(world.namespace)))}


def find_by_labels(world: World) -> None:
    """Everything that finds the pods of app=web: a Service, a disruption budget, hostile policies."""
    meta = {"name": "web", "namespace": world.namespace}
    for resource, spec in (
        (SERVICES, {"selector": WEB, "ports": [{"port": 80}]}),
        (POD_DISRUPTION_BUDGETS, {"selector": {"matchLabels": WEB}, "minAvailable": 0}),
    ):
        body: Json = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta, "spec": spec}
        world.cluster.create(resource.path(world.namespace), body)
    allow(world, "own-labels", {"matchLabels": WEB}, ingress=[{}], egress=[{}])
    allow(world, "no-tier", term("tier", "DoesNotExist"), ingress=[{}])
    allow(world, "not-x", term("zone", "NotIn", "x"), egress=[{}])


@pytest.mark.parametrize("kind", ["ReplicaSet", "Deployment", "DaemonSet"])
def test_a_pod_is_taken_out_of_its_workload_and_given_back(world: World, kind: str) -> None:
    if kind == "DaemonSet" and isinstance(world, PracticeWorld):
        pytest.skip("the practice cluster has no controller of DaemonSets")
    ref, was = workload(world, kind)
    find_by_labels(world)
    owner = was["metadata"]["ownerReferences"][0]
    done = run(world, ref)
    assert (done.verdict, done.residual) == (CLOSED, ())
    assert [(change.action, change.kind) for change in done.changes] == [("create", "NetworkPolicy"), ("patch", "Pod")]
    now = read(world, ref)["metadata"]
    assert now["labels"].keys().isdisjoint(WEB)
    assert now["labels"].items() > {"zone": "x", marks.QUARANTINE: ref.uid}.items()
    assert "ownerReferences" not in now
    assert now["annotations"][marks.OWNER] == f"{owner['kind']}/{owner['name']}"
    assert Proof("orphaned", f"{owner['kind']} {owner['name']} has let go of the pod") in done.proof
    assert any("lets go of the pod and starts another" in line for line in done.warnings)
    assert {"Service web loses an endpoint", "PodDisruptionBudget web no longer counts the pod"} < {*done.warnings}
    until(lambda: len(pods_of(world)) == 2)
    again = run(world, ref)
    assert (again.changes, again.verdict) == ((), CLOSED)
    release(ref, world.cluster, before=no_one)
    until(lambda: set(pods_of(world)) == {ref.name} and "ownerReferences" in read(world, ref)["metadata"])
    assert lasting(read(world, ref)) == lasting(was)


@pytest.mark.parametrize("kind", ["StatefulSet", "Job"])
def test_a_pod_stays_with_a_workload_that_had_better_keep_it(world: World, kind: str) -> None:
    if kind == "Job" and isinstance(world, PracticeWorld):
        pytest.skip("the practice cluster has no controller of Jobs")
    ref, was = workload(world, kind)
    allow(world, "no-tier", term("tier", "DoesNotExist"), ingress=[{}])
    done = run(world, ref)
    assert done.verdict == CLOSED
    assert any(line.startswith(f"{kind} web keeps the pod") for line in done.warnings)
    now = read(world, ref)["metadata"]
    assert now["labels"].items() > was["metadata"]["labels"].items()
    assert now["ownerReferences"] == was["metadata"]["ownerReferences"]
    assert set(pods_of(world)) == {ref.name}
    release(ref, world.cluster, before=no_one)
    assert lasting(read(world, ref)) == lasting(was)
    allow(world, "selector", {"matchLabels": was["metadata"]["labels"]}, egress=[{}])
    done = run(world, ref)
    assert done.verdict[Direction.EGRESS] is (Verdict.INEFFECTIVE if kind == "StatefulSet" else Verdict.UNVERIFIED)


def test_a_controller_that_is_being_deleted_does_not_take_the_pod_along(world: World) -> None:
    ref, was = workload(world, "ReplicaSet")
    home = REPLICA_SETS.path(ref.namespace, "web")
    world.cluster.patch(home, [{"op": "add", "path": "/metadata/finalizers", "value": ["irkit.dev/test"]}])
    world.cluster.delete(home, uid=was["metadata"]["ownerReferences"][0]["uid"])
    done = run(world, ref)
    assert [change.kind for change in done.changes] == ["NetworkPolicy", "Pod", "Pod"]
    assert Proof("orphaned", "ReplicaSet web did not let go of the pod, and was taken off its owners") in done.proof
    assert "ownerReferences" not in read(world, ref)["metadata"]
    world.cluster.patch(home, [{"op": "remove", "path": "/metadata/finalizers"}])
    until(lambda: not list(items(world.cluster.pages(REPLICA_SETS.path(ref.namespace)))))
    assert read(world, ref)["metadata"]["uid"] == ref.uid


def test_what_may_not_be_read_is_said(world: World) -> None:
    ref, _ = workload(world, "ReplicaSet")
    limited = world.limited(*cluster_role([*isolation.NEEDS, *releasing.NEEDS], "irkit", optional=False)["rules"])
    done = isolate(ref, limited, case="", before=no_one)
    assert done.verdict == CLOSED
    assert done.warnings[-2] == "ReplicaSet web could not be read: whether it lets go of the pod is not known"
    assert done.warnings[-1].startswith("not read, so whether any of them finds the pod is not known: services, ")


def first_pod(world: World) -> Json:
    """The first pod of the namespace, once its controller has made one."""
    for _ in range(400):
        for found in items(world.cluster.pages(PODS.path(world.namespace), {"limit": "1"})):
            return found
        world.cluster.get(PODS.path(world.namespace), {"watch": "1", "timeoutSeconds": "1"})
    raise AssertionError("no pod was made")


INGRESS, EGRESS = {Direction.INGRESS}, {Direction.EGRESS}
DNS = {"ports": [{"port": 53, "protocol": "UDP"}]}
OURS = "irkit.dev/quarantine"
# Whom a policy selects, what it admits, which directions that opens where labels are kept, and where they are not.
HOSTILE: list[tuple[Json, Json, set[Direction], set[Direction]]] = [
    ({}, {"ingress": [{}]}, INGRESS, INGRESS),
    ({"matchLabels": {"app": "web"}}, {"egress": [DNS]}, EGRESS, set()),
    (term("tier", "NotIn", "db"), {"ingress": [{}]}, INGRESS, set()),
    (term("tier", "DoesNotExist"), {"egress": [{}], "ingress": [{}]}, INGRESS | EGRESS, set()),
    (term(OURS, "Exists"), {"ingress": [{}]}, INGRESS, INGRESS),
    ({"matchLabels": {"app": "other"}}, {"ingress": [{}]}, set(), set()),
    (term(OURS, "DoesNotExist"), {"ingress": [{}]}, set(), set()),
    ({}, {"ingress": [], "egress": []}, set(), set()),
]


@pytest.mark.parametrize("keep_labels", [True, False])
@pytest.mark.parametrize(("selector", "rules", "kept", "changed"), HOSTILE)
def test_what_still_admits_traffic_is_named(
    world: World, selector: Json, rules: Json, kept: set[Direction], changed: set[Direction], keep_labels: bool
) -> None:
    ref, opened = make(world, labels={"app": "web"}), kept if keep_labels else changed
    allow(world, "other", selector, **rules)
    was = read(world, ref)
    done = run(world, ref, keep_labels=keep_labels)
    assert {left.direction for left in done.residual if left.policy == "other"} == opened
    assert len(done.residual) == len(opened)
    assert {direction for direction, how in done.verdict.items() if how is Verdict.INEFFECTIVE} == opened
    assert done.holds is not bool(opened)
    if keep_labels:
        assert read(world, ref)["metadata"]["labels"] == {"app": "web", marks.QUARANTINE: ref.uid}
    release(ref, world.cluster, before=no_one)
    assert lasting(read(world, ref)) == lasting(was)


def test_what_follows_is_said_before_it_is_done(world: World) -> None:
    ref, announced = make(world, labels=WEB), list[Change]()
    find_by_labels(world)
    run(world, ref, announced.append)
    labels = f"labels app removed, {marks.QUARANTINE}={ref.uid} set, tier=irkit-quarantine set, zone=x set"
    loses = "Service web loses an endpoint; PodDisruptionBudget web no longer counts the pod"
    assert announced[-1].detail == f"{labels}; {loses}"


class Fighting:
    """A cluster in which something puts a label back whenever the pod is patched."""

    def __init__(self, world: World, ref: PodRef) -> None:
        self.world, self.ref = world, ref

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.world.cluster, name)

    def patch(self, path: str, operations: Sequence[Json], *, dry_run: bool = False) -> Reply:
        reply = self.world.cluster.patch(path, operations, dry_run=dry_run)
        label(self.world, self.ref, "app", "web")
        return reply


def test_a_label_put_back_at_once_is_no_isolation(world: World) -> None:
    ref = make(world, labels=WEB)
    allow(world, "own-labels", {"matchLabels": WEB}, ingress=[{}])
    done = isolate(ref, Fighting(world, ref), case="", before=no_one)
    assert {(left.policy, left.direction) for left in done.residual} == {("own-labels", Direction.INGRESS)}
    assert not done.holds
    assert run(world, ref).verdict == CLOSED
    release(ref, world.cluster, before=no_one)
    assert read(world, ref)["metadata"]["labels"] == WEB


def test_a_policy_made_meanwhile_is_evaded_too(world: World) -> None:
    ref = make(world, labels=WEB)

    def meanwhile(change: Change) -> None:
        if change.kind == "Pod" and "late" not in policies(world):
            allow(world, "late", {"matchLabels": WEB}, egress=[{}])

    done = run(world, ref, meanwhile)
    assert (done.verdict, len(done.changes)) == (CLOSED, 3)
    release(ref, world.cluster, before=no_one)
    assert read(world, ref)["metadata"]["labels"] == WEB


def test_a_policy_made_meanwhile_is_seen(world: World) -> None:
    ref = make(world)

    def meanwhile(change: Change) -> None:
        if change.kind == "Pod":
            allow(world, "late", {}, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}])

    done = run(world, ref, meanwhile)
    why = "it selects every pod and admits from pods with app=client of this namespace on any port"
    assert done.residual == (Residual("late", Direction.INGRESS, why),)


def test_a_label_set_meanwhile_is_kept(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    seen: list[Change] = []

    def meanwhile(change: Change) -> None:
        if change.kind == "Pod" and not seen:
            label(world, ref, "step", "two")
        seen.extend([change] if change.kind == "Pod" else [])

    done = run(world, ref, meanwhile)
    assert [change.kind for change in done.changes] == ["NetworkPolicy", "Pod"]
    assert len(seen) == 2
    release(ref, world.cluster, before=no_one)
    assert read(world, ref)["metadata"]["labels"] == {"app": "web", "step": "two"}


def test_a_pod_that_keeps_changing_is_given_up(world: World) -> None:
    ref, tries = make(world, labels={"app": "web"}), iter(range(1000))

    def meanwhile(change: Change) -> None:
        if change.kind == "Pod":
            label(world, ref, "step", str(next(tries)))

    with pytest.raises(Conflict):
        run(world, ref, meanwhile)
    assert next(tries) == TRIES
    assert run(world, ref).verdict == CLOSED


def test_a_foreign_policy_of_our_name_is_refused(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    allow(world, marks.policy_name(ref.uid or ""), {"matchLabels": {"app": "db"}}, ingress=[])
    with pytest.raises(Refused, match="is in the way"):
        run(world, ref)
    assert marks.QUARANTINE not in read(world, ref)["metadata"]["labels"]
    assert release(ref, world.cluster, before=no_one) == ()


def test_a_policy_left_by_a_crash_is_used(world: World) -> None:
    ref = make(world)

    def killed(change: Change) -> None:
        if change.kind == "Pod":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(world, ref, killed)
    done = run(world, ref)
    assert [change.kind for change in done.changes] == ["Pod"]
    assert done.verdict == CLOSED


def test_a_deleted_policy_is_made_again(world: World) -> None:
    ref = make(world)
    run(world, ref)
    ours = policies(world)[marks.policy_name(ref.uid or "")]["metadata"]
    world.cluster.delete(NETWORK_POLICIES.path(ref.namespace, ours["name"]), uid=ours["uid"])
    done = run(world, ref)
    assert [change.kind for change in done.changes] == ["NetworkPolicy"]
    assert done.verdict == CLOSED


def test_an_opened_quarantine_is_found_out(world: World) -> None:
    ref = make(world)
    run(world, ref)
    name = marks.policy_name(ref.uid or "")
    opened: Json = {"op": "add", "path": "/spec/ingress", "value": [{}]}
    world.cluster.patch(NETWORK_POLICIES.path(ref.namespace, name), [opened])
    done = run(world, ref)
    assert [(left.policy, left.direction) for left in done.residual] == [(name, Direction.INGRESS)]


def test_a_label_taken_off_is_put_back(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    run(world, ref)
    label(world, ref, marks.QUARANTINE, None)
    assert [change.kind for change in run(world, ref).changes] == ["Pod"]
    release(ref, world.cluster, before=no_one)
    assert read(world, ref)["metadata"]["labels"] == {"app": "web"}


def test_a_dry_run_changes_nothing(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    allow(world, "other", {}, egress=[{}])
    was, announced = read(world, ref), list[Change]()
    done = run(world, ref, announced.append, dry_run=True)
    assert [change.body is not None for change in done.changes] == [True, True]
    assert done.verdict == {Direction.INGRESS: Verdict.UNVERIFIED, Direction.EGRESS: Verdict.INEFFECTIVE}
    assert (read(world, ref), set(policies(world)), announced) == (was, {"other"}, [])
    run(world, ref)
    assert run(world, ref, dry_run=True).changes == ()
    was = read(world, ref)
    assert len(release(ref, world.cluster, before=announced.append, dry_run=True)) == 2
    assert (read(world, ref), len(policies(world)), announced) == (was, 2, [])


def test_a_replaced_pod_is_never_touched(world: World) -> None:
    ref = make(world)
    run(world, ref)
    world.cluster.delete(PODS.path(ref.namespace, ref.name), uid=ref.uid or "")
    gone(world, ref)
    make(world, labels={"app": "successor"})
    was = read(world, ref)
    with pytest.raises(PodReplaced):
        run(world, ref)
    assert [change.kind for change in release(ref, world.cluster, before=no_one)] == ["NetworkPolicy"]
    assert read(world, ref) == was
    assert release(PodRef(ref.namespace, ref.name), world.cluster, before=no_one) == ()


def gone(world: World, ref: PodRef) -> None:
    for _ in range(400):
        try:
            world.cluster.get(PODS.path(ref.namespace, ref.name))
        except NotFound:
            return
    raise AssertionError("the pod stays")


def test_the_policy_of_a_pod_that_is_gone_is_deleted(world: World) -> None:
    ref = make(world)
    unpinned = PodRef(ref.namespace, ref.name)
    run(world, ref)
    world.cluster.delete(PODS.path(ref.namespace, ref.name), uid=ref.uid or "")
    gone(world, ref)
    with pytest.raises(NotFound):
        run(world, ref)
    assert [change.action for change in release(unpinned, world.cluster, before=no_one)] == ["delete"]
    assert release(ref, world.cluster, before=no_one) == ()
    with pytest.raises(NotFound):
        release(unpinned, world.cluster, before=no_one)


def test_changed_labels_are_not_overwritten(world: World) -> None:
    ref = make(world, labels={"app": "web"})
    run(world, ref)
    label(world, ref, "app", "db")
    with pytest.raises(Refused, match="app is db, not web"):
        release(ref, world.cluster, before=no_one)
    assert marks.QUARANTINE in read(world, ref)["metadata"]["labels"]
    assert policies(world)
    release(ref, world.cluster, before=no_one, force=True)
    assert read(world, ref)["metadata"]["labels"] == {"app": "db"}
    assert not policies(world)


@pytest.mark.parametrize("text", ['{"app":"other"}', "not JSON"])
def test_an_altered_memory_is_not_believed(world: World, text: str) -> None:
    ref = make(world, labels={"app": "web"})
    run(world, ref)
    path = f"/metadata/annotations/{marks.ORIGINAL.replace('/', '~1')}"
    world.cluster.patch(PODS.path(ref.namespace, ref.name), [{"op": "replace", "path": path, "value": text}])
    with pytest.raises(Refused, match="missing or altered"):
        release(ref, world.cluster, before=no_one)
    release(ref, world.cluster, before=no_one, force=True)
    assert read(world, ref)["metadata"]["labels"] == {"app": "web"}


def test_a_pod_on_its_nodes_network_cannot_be_isolated(world: World) -> None:
    ref = make(world, hostNetwork=True)
    done = run(world, ref)
    assert (done.changes, done.engine, done.holds) == ((), "", False)
    assert {left.policy for left in done.residual} == {"hostNetwork"}
    assert not policies(world)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_needs_no_isolation(world: World, phase: str) -> None:
    ref = make(world)
    ended = {"op": "replace", "path": "/status/phase", "value": phase}
    world.cluster.patch(PODS.path(ref.namespace, ref.name, "status"), [ended])
    done = run(world, ref)
    assert (done.changes, done.residual, done.holds) == ((), (), True)
    assert set(done.verdict.values()) == {Verdict.CLAIMED}
    assert not policies(world)


def test_a_pod_being_deleted_is_isolated_with_a_warning(world: World) -> None:
    ref = make(world)
    path = PODS.path(ref.namespace, ref.name)
    world.cluster.patch(path, [{"op": "add", "path": "/metadata/finalizers", "value": ["irkit.dev/test"]}])
    world.cluster.delete(path, uid=ref.uid or "")
    done = run(world, ref)
    assert done.verdict == CLOSED
    assert "is being deleted" in done.warnings[0]
    assert len(release(ref, world.cluster, before=no_one)) == 2
    world.cluster.patch(path, [{"op": "remove", "path": "/metadata/finalizers"}])


def test_the_permissions_asked_for_are_enough(world: World) -> None:
    ref = make(world)
    limited = world.limited(*cluster_role([*isolation.NEEDS, *releasing.NEEDS], "irkit")["rules"])
    assert isolate(ref, limited, case="", before=no_one).verdict == CLOSED
    assert isolate(ref, limited, case="", before=no_one).changes == ()
    assert len(release(ref, limited, before=no_one)) == 2


def test_without_permission_the_pod_stays_as_it_is(world: World) -> None:
    ref = make(world)
    read_only = world.limited({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})
    with pytest.raises(Forbidden):
        isolate(ref, read_only, case="", before=no_one)
    assert "labels" not in read(world, ref)["metadata"]


class Counted:
    """A cluster that counts what is asked of it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.asked = cluster, list[str]()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        self.asked.append(name)
        return getattr(self.cluster, name)

    def pages(self, path: str, query: Query | None = None) -> Iterator[Reply]:
        for page in self.cluster.pages(path, query):
            self.asked.append("page")
            yield page


def test_what_is_asked_of_the_cluster(world: World) -> None:
    ref, counted = make(world), Counted(world.cluster)
    isolate(ref, counted, case="", before=no_one)
    lists = len(OTHERS) + 1
    # The second get is for the API groups, which tell the engines; it is asked for beside the lists.
    first, beside, last = counted.asked[0], counted.asked[1 : lists + 2], counted.asked[lists + 2 :]
    assert (first, sorted(beside)) == ("get", ["get", *["page"] * lists])
    assert last == ["create", "patch", "page", "get"]


def test_two_responders_agree(world: World) -> None:
    ref = make(world)
    others: list[Isolation] = []

    def meanwhile(change: Change) -> None:
        if change.kind == "Pod" and not others:
            others.append(run(world, ref))

    ours = run(world, ref, meanwhile)
    assert [change.kind for change in others[0].changes] == ["Pod"]
    assert [change.kind for change in ours.changes] == ["NetworkPolicy"]
    assert ours.verdict == others[0].verdict == CLOSED
