"""An identity taken away and given back: the same on the practice cluster and on a real one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    PODS,
    ROLE_BINDINGS,
    SERVICE_ACCOUNTS,
    Resource,
)
from irkit.contain import admission
from irkit.contain.identity import deny
from irkit.contain.identity.nouns import Blast, Restored, Revocation
from irkit.contain.identity.restore import restore
from irkit.contain.identity.revoke import revoke
from irkit.contain.identity.show import show
from irkit.errors import Forbidden, NotFound, PodReplaced, Refused
from irkit.model.isolation import Change
from irkit.model.pod import PodRef
from tests.cluster.real import RealCluster
from tests.contracts.worlds import RealWorld, World, bind, config_map, open_, pod
from tests.waiting import until

GROUP = "rbac.authorization.k8s.io"
SPEC: Json = {"schedulingGates": [{"name": "irkit.dev/test"}], "serviceAccountName": "web"}  # a pod that need not run
WRITES: Json = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "delete"]}
SOMEBODY: Json = {"kind": "User", "apiGroup": GROUP, "name": "somebody"}


def no_one(change: Change) -> None:
    """Somebody who does not care about intents."""


def never(change: Change) -> None:
    pytest.fail(f"announced in a dry run: {change}")


def account(world: World) -> Json:
    return {"kind": "ServiceAccount", "name": "web", "namespace": world.namespace}


def make(world: World, name: str = "victim", **spec: Any) -> PodRef:  # noqa: ANN401
    made = world.cluster.create(PODS.path(world.namespace), pod(name, world.namespace, **SPEC, **spec)).json()
    return PodRef(world.namespace, name, made["metadata"]["uid"])


def read(world: World, resource: Resource, name: str) -> Json:
    """The object, but for what every change changes."""
    whole = world.cluster.get(resource.path(world.namespace, name)).json()
    kept = {key: value for key, value in whole["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return {**whole, "metadata": kept}


def run(world: World, ref: PodRef, before: Callable[[Change], None] = no_one, **options: Any) -> Revocation:  # noqa: ANN401
    return revoke(ref, world.cluster, case="IR-7", run="run-1", before=before, **options)


def back(world: World, ref: PodRef, **options: Any) -> Restored:  # noqa: ANN401
    return restore(ref, world.cluster, before=no_one, **options)


def told(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.action, change.kind) for change in changes]


CREATED = [("create", "ValidatingAdmissionPolicy"), ("create", "ValidatingAdmissionPolicyBinding")]
DELETED = [("delete", "ValidatingAdmissionPolicyBinding"), ("delete", "ValidatingAdmissionPolicy")]


@pytest.fixture
def victim(world: World) -> Iterator[PodRef]:
    """A pod whose account may do something; what a test leaves on the whole cluster is taken away after it."""
    bind(world.cluster, world.namespace, "web", (WRITES,))
    ref = make(world)
    yield ref
    assert not back(world, ref).gaps


def binding(world: World, name: str, *subjects: Json, **metadata: Any) -> None:  # noqa: ANN401
    body: Json = {
        "apiVersion": ROLE_BINDINGS.api_version,
        "kind": ROLE_BINDINGS.kind,
        "metadata": {"name": name, "namespace": world.namespace, **metadata},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "web"},
        "subjects": list(subjects),
    }
    world.cluster.create(ROLE_BINDINGS.path(world.namespace), body)


@pytest.fixture
def bindings(world: World, victim: PodRef) -> list[str]:
    """Bindings of every kind that concern the account, "web" among them; "groups" cannot be taken from it alone."""
    user: Json = {"kind": "User", "apiGroup": GROUP, "name": f"system:serviceaccount:{world.namespace}:web"}
    group: Json = {"kind": "Group", "apiGroup": GROUP, "name": f"system:serviceaccounts:{world.namespace}"}
    other: Json = {"kind": "ServiceAccount", "name": "web", "namespace": "elsewhere"}
    binding(world, "many", SOMEBODY, account(world), other, user, group, annotations={"a": "b"})
    binding(world, "last", SOMEBODY, account(world))
    binding(world, "groups", group)
    binding(world, "others", SOMEBODY, other)
    return ["web", "many", "last", "groups", "others"]


def subjects(world: World, name: str) -> list[str]:
    return [subject["kind"] for subject in read(world, ROLE_BINDINGS, name).get("subjects") or ()]


def test_one_pod_is_refused_by_a_policy_that_goes_again(world: World, victim: PodRef) -> None:
    announced: list[Change] = []
    done = run(world, PodRef(victim.namespace, victim.name), announced.append)
    assert (done.uid, done.service_account, told(done.changes)) == (victim.uid, f"{world.namespace}/web", CREATED)
    assert tuple(announced) == done.changes
    assert any("reads go on" in warning for warning in done.warnings)
    assert run(world, victim).changes == ()
    assert show(victim, world.cluster).revoked is Blast.POD
    assert told(back(world, victim).changes) == DELETED
    assert back(world, victim).changes == ()
    assert deny.found(world.cluster, victim) == []


def test_a_dry_run_tells_the_same_and_changes_nothing(world: World, victim: PodRef, bindings: list[str]) -> None:
    was = [read(world, ROLE_BINDINGS, name) for name in bindings]
    would = run(world, victim, never, blast=Blast.ACCOUNT, dry_run=True)
    assert deny.found(world.cluster, victim) == []
    assert [read(world, ROLE_BINDINGS, name) for name in bindings] == was
    assert told(run(world, victim, blast=Blast.ACCOUNT).changes) == told(would.changes)
    taken = [read(world, ROLE_BINDINGS, name) for name in bindings]
    assert len(back(world, victim, dry_run=True).changes) == len(would.changes)
    assert [read(world, ROLE_BINDINGS, name) for name in bindings] == taken


def test_an_account_loses_what_is_its_own_and_gets_it_back_as_it_was(
    world: World, victim: PodRef, bindings: list[str]
) -> None:
    was = {name: read(world, ROLE_BINDINGS, name) for name in bindings}
    done = run(world, victim, blast=Blast.ACCOUNT)
    assert told(done.changes) == [*CREATED, *[("patch", "RoleBinding")] * 3]
    assert {name: subjects(world, name) for name in bindings} == {
        "web": [],
        "many": ["User", "ServiceAccount", "Group"],
        "last": ["User"],
        "groups": ["Group"],
        "others": ["User", "ServiceAccount"],
    }
    here = {grant.binding for grant in done.kept if grant.namespace == world.namespace}
    assert here == {"RoleBinding/many", "RoleBinding/groups"}
    assert run(world, victim, blast=Blast.ACCOUNT).changes == ()
    assert show(victim, world.cluster).revoked is Blast.ACCOUNT
    assert told(back(world, victim).changes) == [*[("patch", "RoleBinding")] * 3, *DELETED]
    assert {name: read(world, ROLE_BINDINGS, name) for name in bindings} == was


def test_a_cluster_role_binding_comes_back_as_it_was(world: World, victim: PodRef) -> None:
    name = f"irkit-test-{uuid.uuid4().hex[:8]}"
    body: Json = {
        "apiVersion": CLUSTER_ROLE_BINDINGS.api_version,
        "kind": CLUSTER_ROLE_BINDINGS.kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "irkit-test-no-such-role"},
        "subjects": [account(world)],
    }
    made = world.cluster.create(CLUSTER_ROLE_BINDINGS.path(), body).json()
    try:
        was = read(world, CLUSTER_ROLE_BINDINGS, name)
        run(world, victim, blast=Blast.ACCOUNT)
        assert not read(world, CLUSTER_ROLE_BINDINGS, name).get("subjects")
        back(world, victim)
        assert read(world, CLUSTER_ROLE_BINDINGS, name) == was
    finally:
        world.cluster.delete(CLUSTER_ROLE_BINDINGS.path(name=name), uid=made["metadata"]["uid"])


def test_what_two_pods_lost_comes_back_with_the_second(world: World, victim: PodRef, bindings: list[str]) -> None:
    was = {name: read(world, ROLE_BINDINGS, name) for name in bindings}
    sibling = make(world, "sibling")
    for ref in (victim, sibling):
        run(world, ref, blast=Blast.ACCOUNT)
    back(world, victim)
    assert subjects(world, "last") == ["User"]
    assert show(sibling, world.cluster).revoked is Blast.ACCOUNT
    back(world, sibling)
    assert {name: read(world, ROLE_BINDINGS, name) for name in bindings} == was


def test_what_others_put_back_is_taken_again_and_what_they_add_stays(world: World, victim: PodRef) -> None:
    run(world, victim, blast=Blast.ACCOUNT)
    both = [account(world), SOMEBODY]
    path = ROLE_BINDINGS.path(world.namespace, "web")
    world.cluster.patch(path, [{"op": "add", "path": "/subjects", "value": both}])
    assert told(run(world, victim, blast=Blast.ACCOUNT).changes) == [("patch", "RoleBinding")]
    back(world, victim)
    after = read(world, ROLE_BINDINGS, "web")
    assert after["subjects"] == both
    assert "annotations" not in after["metadata"]


def test_somebody_changes_a_binding_at_the_same_time(world: World, victim: PodRef) -> None:
    path, others = ROLE_BINDINGS.path(world.namespace, "web"), [SOMEBODY]

    def meddle(change: Change) -> None:
        if change.action == "patch" and others:
            world.cluster.patch(path, [{"op": "add", "path": "/subjects/0", "value": others.pop()}])

    done = run(world, victim, meddle, blast=Blast.ACCOUNT)
    assert told(done.changes) == [*CREATED, ("patch", "RoleBinding")]
    assert read(world, ROLE_BINDINGS, "web")["subjects"] == [SOMEBODY]
    back(world, victim)
    assert read(world, ROLE_BINDINGS, "web")["subjects"] == [SOMEBODY, account(world)]


class StopError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("moment", range(5))
def test_a_crash_before_any_change_leaves_nothing_that_cannot_be_ended_or_taken_back(
    world: World, victim: PodRef, bindings: list[str], moment: int
) -> None:
    was = {name: read(world, ROLE_BINDINGS, name) for name in bindings}
    announced: list[Change] = []

    def crash(change: Change) -> None:
        announced.append(change)
        if len(announced) == moment + 1:
            raise StopError

    with pytest.raises(StopError):
        run(world, victim, crash, blast=Blast.ACCOUNT)
    rest = run(world, victim, blast=Blast.ACCOUNT).changes
    assert [*told(tuple(announced[:-1])), *told(rest)] == [*CREATED, *[("patch", "RoleBinding")] * 3]
    back(world, victim)
    assert {name: read(world, ROLE_BINDINGS, name) for name in bindings} == was


def test_an_altered_memory_grants_nobody_anything(world: World, victim: PodRef) -> None:
    run(world, victim, blast=Blast.ACCOUNT)
    whole = read(world, ROLE_BINDINGS, "web")
    ((key, text),) = whole["metadata"]["annotations"].items()
    path, place = ROLE_BINDINGS.path(world.namespace, "web"), f"/metadata/annotations/{key.replace('/', '~1')}"
    altered = text.replace('"kind":"ServiceAccount","name":"web"', '"kind":"ServiceAccount","name":"evil"')
    for wrong in (altered, text[:-1], text.replace("[[0", "[[null"), f'["{victim.uid}"]'):
        assert wrong != text
        world.cluster.patch(path, [{"op": "add", "path": place, "value": wrong}])
        with pytest.raises(Refused, match="altered"):
            back(world, victim)
    assert len(deny.found(world.cluster, victim)) == 2  # the pod is still refused
    world.cluster.patch(path, [{"op": "add", "path": place, "value": text}])


def test_a_policy_that_irkit_did_not_make_is_in_the_way(world: World, victim: PodRef) -> None:
    run(world, victim)
    (_, policy) = deny.found(world.cluster, victim)[1]
    path = admission.POLICIES.path(name=policy["metadata"]["name"])
    world.cluster.patch(path, [{"op": "replace", "path": "/spec/validations/0/expression", "value": "true"}])
    with pytest.raises(Refused, match="not as irkit makes it"):
        run(world, victim)


def test_a_pod_that_is_gone_or_replaced(world: World, victim: PodRef) -> None:
    run(world, victim, blast=Blast.ACCOUNT)
    world.cluster.delete(PODS.path(victim.namespace, victim.name), uid=str(victim.uid))
    until(lambda: absent(world, PODS, victim.name))
    with pytest.raises(NotFound):
        run(world, victim)
    successor = make(world)
    assert show(successor, world.cluster).revoked is None
    with pytest.raises(PodReplaced):
        run(world, victim)
    assert told(back(world, PodRef(victim.namespace, victim.name)).changes) == [("patch", "RoleBinding"), *DELETED]
    assert subjects(world, "web") == ["ServiceAccount"]
    with pytest.raises(NotFound):
        back(world, PodRef(victim.namespace, "nobody"))


def test_what_the_account_may_do_and_which_secrets_to_rotate(world: World) -> None:
    rules: list[Json] = [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["db"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
    ]
    bind(world.cluster, world.namespace, "web", tuple(rules))
    ref = make(world, volumes=[{"name": "tls", "secret": {"secretName": "tls"}}])
    found = show(ref, world.cluster)
    (own,) = [grant for grant in found.grants if grant.binding == "RoleBinding/web"]
    assert (own.namespace, own.role, own.revocable) == (world.namespace, "Role/web", True)
    assert own.rules is not None
    assert list(own.rules) == rules
    here = {(secret.name, secret.why) for secret in found.secrets if secret.namespace == world.namespace}
    assert here == {
        ("tls", "volume tls"),
        ("db", "get by RoleBinding/web"),
        ("*", "may create deployments, which mount any, by RoleBinding/web"),
    }
    assert [warning for warning in found.warnings if "may make tokens" in warning]
    assert found.complete


def test_what_may_not_be_read_is_said(world: World, victim: PodRef) -> None:
    rbac: Json = {"apiGroups": [GROUP], "resources": ["rolebindings"], "verbs": ["list"]}
    pods: Json = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    found = show(victim, world.limited(rbac, pods))
    assert [grant.rules for grant in found.grants if grant.binding == "RoleBinding/web"] == [None]
    assert not found.complete
    for word in ("role bindings outside", "cluster role bindings", "Role web", "service account", "admission"):
        assert any(word in gap for gap in found.gaps), word


def absent(world: World, resource: Resource, name: str) -> bool:
    try:
        world.cluster.get(resource.path(world.namespace, name))
    except NotFound:
        return True
    return False


def test_a_binding_that_may_not_be_changed_is_told_and_the_others_are_changed(world: World, victim: PodRef) -> None:
    binding(world, "own", SOMEBODY, account(world))
    rights: list[Json] = [
        {"apiGroups": [GROUP], "resources": ["rolebindings"], "verbs": ["list", "get"]},
        {"apiGroups": [GROUP], "resources": ["rolebindings"], "verbs": ["patch"], "resourceNames": ["own"]},
        {"apiGroups": [GROUP], "resources": ["roles"], "verbs": ["get", "bind"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    ]
    run(world, victim)  # by somebody who may make policies; the next may only read theirs
    with policies_for(world, "limited"):
        limited = world.limited(*rights)
        done = revoke(victim, limited, case="IR-7", blast=Blast.ACCOUNT, before=no_one)
    assert told(done.changes) == [("patch", "RoleBinding")]
    assert subjects(world, "own") == ["User"]
    assert subjects(world, "web") == ["ServiceAccount"]
    assert [grant.binding for grant in done.kept if grant.revocable] == ["RoleBinding/web"]
    assert any("RoleBinding/web was not changed" in gap for gap in done.gaps)


@contextmanager
def policies_for(world: World, name: str) -> Iterator[None]:
    """While it lasts, a service account may read admission policies."""
    own = f"{world.namespace}-policies"
    rule: Json = {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["get", "list"]}
    who: Json = {"kind": "ServiceAccount", "name": name, "namespace": world.namespace}
    made = []
    for resource, more in (
        (CLUSTER_ROLES, {"rules": [rule]}),
        (
            CLUSTER_ROLE_BINDINGS,
            {"roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": own}, "subjects": [who]},
        ),
    ):
        body: Json = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": own}, **more}
        made.append((resource, world.cluster.create(resource.path(), body).json()["metadata"]["uid"]))
    try:
        yield
    finally:
        for resource, uid in made:
            world.cluster.delete(resource.path(name=own), uid=uid)


@pytest.mark.real
class TestOnTheRealCluster:
    """What only a real API server shows: whose requests the policy refuses."""

    @pytest.fixture
    def namespace(self, real_cluster: RealCluster, real_namespace: str, tmp_path: Path) -> RealWorld:
        world = RealWorld(real_cluster, real_namespace, tmp_path)
        tokens: Json = {"apiGroups": [""], "resources": ["serviceaccounts/token", "pods/exec"], "verbs": ["create"]}
        bind(world.cluster, world.namespace, "web", (WRITES, tokens))
        return world

    def test_the_pod_is_refused_its_sibling_is_not(self, namespace: RealWorld) -> None:
        world, ref = namespace, make(namespace)
        sibling = holding(world, make(world, "sibling"))
        stolen = holding(world, ref)
        until(lambda: writes(stolen, world.namespace))  # RBAC takes a moment, too
        revoke(ref, world.cluster, case="IR-7", before=no_one)
        try:
            until(lambda: not writes(stolen, world.namespace))
            with pytest.raises(Forbidden, match="the identity of this pod is revoked"):
                stolen.create(CONFIG_MAPS.path(world.namespace), config_map("loot", world.namespace))
            request: Json = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            with pytest.raises(Forbidden, match="is revoked"):
                stolen.create(SERVICE_ACCOUNTS.path(world.namespace, "web", "token"), request)
            with pytest.raises(Forbidden, match="is revoked"):
                stolen.create(f"{PODS.path(world.namespace, 'sibling', 'exec')}?command=id&stdout=true", {})
            listed = stolen.get(CONFIG_MAPS.path(world.namespace, "kube-root-ca.crt"))
            assert listed.call.status == 200  # reads go on, as is said
            assert writes(sibling, world.namespace)
        finally:
            restore(ref, world.cluster, before=no_one)
        until(lambda: writes(stolen, world.namespace))

    def test_the_account_is_refused_everything_and_gets_it_back(self, namespace: RealWorld) -> None:
        world, ref = namespace, make(namespace)
        sibling = holding(world, make(world, "sibling"))
        until(lambda: reads(sibling, world.namespace))
        was = read(world, ROLE_BINDINGS, "web")
        revoke(ref, world.cluster, case="IR-7", blast=Blast.ACCOUNT, before=no_one)
        try:
            until(lambda: not reads(sibling, world.namespace))
            until(lambda: not reads(holding(world, ref), world.namespace))
        finally:
            restore(ref, world.cluster, before=no_one)
        until(lambda: reads(sibling, world.namespace) and writes(holding(world, ref), world.namespace))
        assert read(world, ROLE_BINDINGS, "web") == was


def holding(world: RealWorld, ref: PodRef) -> Cluster:
    """The cluster as somebody sees it who carried the pod's token away."""
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={ref.name}")
    token = world.real.kubectl("create", "token", "web", "-n", ref.namespace, *bound).strip()
    config = json.loads(world.real.kubectl("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
    config["users"] = [{"name": "thief", "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = "thief"
    path = world.folder / f"{ref.name}.conf"
    path.write_text(json.dumps(config))
    return open_(path)


def writes(cluster: Cluster, namespace: str) -> bool:
    """True when a config map can be made."""
    name = f"loot-{uuid.uuid4().hex[:8]}"
    try:
        cluster.create(CONFIG_MAPS.path(namespace), config_map(name, namespace))
    except Forbidden:
        return False
    return True


def reads(cluster: Cluster, namespace: str) -> bool:
    try:
        cluster.get(CONFIG_MAPS.path(namespace, "kube-root-ca.crt"))
    except Forbidden:
        return False
    return True
