"""Identity, permissions, engines and the doctor, against scripted answers; the contract suite repeats it for real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from irkit.cluster.client import connect
from irkit.cluster.engines import engines
from irkit.cluster.identity import identity, kubernetes_user, skew
from irkit.cluster.needs.doctor import Check, diagnose
from irkit.cluster.needs.rbac import cluster_role, folded, missing
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import DEPLOYMENTS, NETWORK_POLICIES, NODES, PODS
from irkit.errors import Overloaded
from irkit.model.evidence import Call
from irkit.settings import ClusterSettings
from tests.cluster.scripted import Handler, Script, kubeconfig, refuse, reply, serving

GET, LOG, PATCH = PODS.permission("get"), PODS.permission("get", "log"), PODS.permission("patch")
NODE, POLICY = NODES.permission("get", optional=True), NETWORK_POLICIES.permission("create")


class ApiServer:
    """Just enough of one: version, groups, the namespace payments, and reviews that deny `denied`."""

    def __init__(self, version: str = "v1.37.2", groups: tuple[str, ...] = (), denied: tuple[str, ...] = ()) -> None:
        self.version, self.groups, self.denied = version, groups, denied
        self.seen: list[dict[str, str]] = []

    def __call__(self, handler: Handler) -> None:
        asked = handler.script.asked[-1]
        if asked.path == "/version":
            return reply({"gitVersion": self.version})(handler)
        if asked.path == "/apis":
            return reply({"groups": [{"name": name} for name in self.groups]})(handler)
        if asked.path.endswith("selfsubjectreviews"):
            return reply({"status": {"userInfo": {"username": "jane"}}}, 201)(handler)
        if asked.path.startswith("/api/v1/namespaces/"):
            return (reply({}) if asked.path.endswith("/payments") else refuse(404, "NotFound"))(handler)
        return self.review(handler)

    def review(self, handler: Handler) -> None:
        wanted = json.loads(handler.script.asked[-1].body)["spec"]["resourceAttributes"]
        self.seen.append(wanted)
        allowed = wanted["resource"] not in self.denied
        reply({"status": {"allowed": allowed}}, 201)(handler)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Script, Cluster]]:
    with serving(ApiServer()) as script:
        yield script, connect(ClusterSettings(str(kubeconfig(tmp_path, script.url)), timeout=5))


def test_a_role_grants_what_is_needed_and_no_more_whatever_the_order() -> None:
    needs = [PATCH, POLICY, LOG, GET, GET, NODE, DEPLOYMENTS.permission("get")]
    role = cluster_role(needs, "irkit")
    assert role["metadata"]["name"] == "irkit"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["nodes", "pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "patch"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["create"]},
    ]
    assert cluster_role(reversed(needs), "irkit") == role
    without = cluster_role(needs, "irkit", optional=False)
    assert [rule["resources"] for rule in without["rules"][:2]] == [["pods"], ["pods/log"]]


def test_what_one_needs_and_another_only_likes_is_needed() -> None:
    assert folded([GET, PODS.permission("get", optional=True), NODE]) == (NODE, GET)


def test_missing_permissions_are_asked_of_the_api_server(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    api = ApiServer(denied=("networkpolicies", "nodes"))
    script.answers[:] = [api]
    assert missing([POLICY, GET, LOG, NODE], cluster, "a") == (NODE, POLICY)
    assert {"resource": "pods", "subresource": "log", "verb": "get", "namespace": "a"} in api.seen
    assert {"resource": "nodes", "verb": "get"} in api.seen
    assert {"group": "networking.k8s.io", "resource": "networkpolicies", "verb": "create", "namespace": "a"} in api.seen


def test_reviews_that_fail_are_not_taken_for_a_no(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [refuse(500)]
    with pytest.raises(Overloaded):
        missing([GET], cluster, "a")


def test_engines_are_known_by_their_group(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    assert engines(cluster) == ()
    script.answers[:] = [ApiServer(groups=("apps", "cilium.io", "networking.k8s.aws"))]
    assert engines(cluster) == ("Cilium (cilium.io)", "Amazon VPC CNI (networking.k8s.aws)")


def test_identity_is_one_request(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    found = identity(cluster)
    assert (found.version, found.server, found.context) == ("v1.37.2", script.url, "test")
    assert found.skew is not None
    assert abs(found.skew) <= 1
    assert len(script.asked) == 1


def test_skew_is_measured_from_the_middle_of_the_call() -> None:
    started = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)

    def at(date: str | None) -> float | None:
        return skew(Call("GET", "/version", 200, started, 1.0, date))

    assert at("Mon, 23 Nov 2026 03:00:10 GMT") == 10.0
    assert at("Mon, 23 Nov 2026 02:59:00 GMT") == -60.0
    assert at("yesterday") is None
    assert at(None) is None


@pytest.mark.parametrize("status", [403, 404])
def test_a_server_that_does_not_tell_who_we_are(server: tuple[Script, Cluster], status: int) -> None:
    script, cluster = server
    assert kubernetes_user(cluster) == "jane"
    script.answers[:] = [refuse(status)]
    assert kubernetes_user(cluster) == ""


def checks(cluster: Cluster, namespace: str = "payments") -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in diagnose(cluster, [GET, NODE, POLICY], namespace):
        found.setdefault(check.name, []).append(check)
    return found


def test_a_healthy_cluster(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [ApiServer(groups=("projectcalico.org",))]
    found = checks(cluster)
    assert found["cluster"][0].detail == f"{script.url} answers, context test, as jane"
    assert all(check.ok and not check.hint for group in found.values() for check in group)
    assert [check.detail for check in found["permission"]][1] == "may get pods in payments"
    assert found["policy engine"][0].detail == "Calico (projectcalico.org)"


def test_what_is_wrong_is_named_with_a_remedy(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [ApiServer("v1.12.0", denied=("networkpolicies", "nodes"))]
    found = checks(cluster)
    assert (found["version"][0].ok, "1.34 to 1.37" in found["version"][0].hint) == (None, True)
    node, pod, policy = found["permission"]
    assert (node.ok, "gap" in node.detail) == (None, True)
    assert pod.ok is True
    assert (policy.ok, "irkit rbac" in policy.hint) == (False, True)
    assert found["policy engine"][0].ok is None
    assert "prove it" in found["policy engine"][0].detail


def test_a_namespace_that_is_not_there_is_told(server: tuple[Script, Cluster]) -> None:
    _, cluster = server
    (found,) = checks(cluster, "paymnets")["namespace"]
    assert (found.ok, found.detail) == (False, "there is no namespace paymnets")
    assert "--namespace" in found.hint


@pytest.mark.parametrize(
    ("date", "ok", "detail"),
    [
        ("Mon, 23 Nov 2015 03:00:10 GMT", None, "behind"),
        ("Mon, 23 Nov 2099 03:00:10 GMT", None, "ahead of"),
        ("nonsense", None, "does not tell its time"),
    ],
)
def test_a_clock_that_is_off(server: tuple[Script, Cluster], date: str, ok: bool | None, detail: str) -> None:
    script, cluster = server

    def late(handler: Handler) -> None:
        handler.date_time_string = lambda timestamp=None: date  # type: ignore[method-assign]
        ApiServer()(handler)

    script.answers[:] = [late]
    check = checks(cluster)["clock"][0]
    assert (check.ok, detail in check.detail, bool(check.hint)) == (ok, True, True)


def test_a_cluster_that_does_not_answer_ends_the_checks(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [refuse(401, "Unauthorized", "Unauthorized")]
    found = checks(cluster)
    assert list(found) == ["cluster"]
    assert (found["cluster"][0].ok, "log in" in found["cluster"][0].hint) == (False, True)
