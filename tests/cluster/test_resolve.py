"""From a name to the one pod that bears it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.cluster.resolve import check, resolve, target
from irkit.errors import ClusterError, NotFound, PodReplaced
from irkit.model.pod import PodRef, Target
from irkit.settings import ClusterSettings
from tests.cluster.scripted import Json, Script, kubeconfig, refuse, reply, serving

REF = PodRef("payments", "web")
POD: Json = {
    "metadata": {
        "namespace": "payments",
        "name": "web",
        "uid": "u-1",
        "creationTimestamp": "2026-11-23T03:00:00Z",
        "deletionTimestamp": "2026-11-23T04:00:00Z",
        "ownerReferences": [
            {"kind": "Other", "name": "x"},
            {"kind": "ReplicaSet", "name": "web-6d9f", "controller": True},
        ],
    },
    "spec": {
        "nodeName": "node1",
        "serviceAccountName": "web",
        "containers": [{"name": "app", "image": "app:1"}, {"name": "side", "image": "side:1"}],
        "initContainers": [{"name": "init", "image": "init:1"}],
    },
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
        "containerStatuses": [{"name": "app", "imageID": "app@sha256:1"}, {"name": "side", "imageID": ""}],
        "initContainerStatuses": [{"name": "init", "imageID": "init@sha256:2"}],
    },
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Script, Cluster]]:
    with serving(reply(POD)) as script:
        yield script, connect(ClusterSettings(str(kubeconfig(tmp_path, script.url)), timeout=5))


def test_the_pod_is_pinned_with_what_the_run_needs_to_know(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    found, raw = resolve(REF, cluster)
    assert found == Target(
        namespace="payments",
        name="web",
        uid="u-1",
        node="node1",
        phase="Running",
        pod_ips=("10.0.0.1", "fd00::1"),
        owner="ReplicaSet/web-6d9f",
        service_account="web",
        images={"app": "app@sha256:1", "side": "side:1", "init": "init@sha256:2"},
        created=datetime(2026, 11, 23, 3, tzinfo=UTC),
        deleted=datetime(2026, 11, 23, 4, tzinfo=UTC),
    )
    assert raw.json() == POD
    assert [asked.path for asked in script.asked] == ["/api/v1/namespaces/payments/pods/web"]


def test_the_pinned_pod_is_recognised_and_a_successor_is_not_taken_for_it(server: tuple[Script, Cluster]) -> None:
    _, cluster = server
    assert check(REF.pinned("u-1"), cluster).json() == POD
    with pytest.raises(PodReplaced, match="uid u-1, not u-0"):
        check(REF.pinned("u-0"), cluster)
    with pytest.raises(PodReplaced):
        resolve(REF.pinned("u-0"), cluster)


@pytest.mark.parametrize(
    ("namespace", "message", "hint"),
    [
        (reply(), "there is no pod payments/web", "kubectl get pods -n payments"),
        (refuse(404, "NotFound"), "there is no namespace payments", "--namespace"),
        (refuse(403, "Forbidden"), "there is no pod payments/web", "may not look up"),
    ],
)
def test_what_is_absent_is_named(server: tuple[Script, Cluster], namespace: object, message: str, hint: str) -> None:
    script, cluster = server
    script.answers[:] = [refuse(404, "NotFound", 'pods "web" not found'), namespace]  # type: ignore[list-item]
    with pytest.raises(NotFound, match=message) as caught:
        resolve(REF, cluster)
    assert hint in caught.value.hint
    assert (caught.value.status, caught.value.reason) == (404, "NotFound")


def names(*every: str) -> object:
    return reply({"items": [{"metadata": {"name": name}} for name in every]})


@pytest.mark.parametrize(
    ("listed", "hint"),
    [
        (names("db-0", "web-6d9f-x2x4z", "web-6d9f-\x1b", "wbe"), r"names like it: web-6d9f-x2x4z, web-6d9f-\x1b;"),
        (names("db-0", "wbe"), "names like it: wbe;"),
        (names("db-0"), "see what there is"),
        (refuse(403, "Forbidden"), "see what there is"),
    ],
)
def test_names_like_the_one_that_was_typed_are_told(server: tuple[Script, Cluster], listed: object, hint: str) -> None:
    script, cluster = server
    script.answers[:] = [refuse(404, "NotFound"), reply(), listed]  # type: ignore[list-item]
    with pytest.raises(NotFound) as caught:
        resolve(REF, cluster)
    assert hint in caught.value.hint


def test_nobody_typed_a_pod_that_is_pinned(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [refuse(404, "NotFound"), reply(), names("wbe")]  # type: ignore[list-item]
    with pytest.raises(NotFound) as caught:
        resolve(REF.pinned("u-1"), cluster)
    assert "see what there is" in caught.value.hint
    assert len(script.asked) == 2


def test_an_answer_without_uid_is_no_pod(server: tuple[Script, Cluster]) -> None:
    script, cluster = server
    script.answers[:] = [reply({"metadata": {"uid": 7}})]
    with pytest.raises(ClusterError, match="without a uid"):
        resolve(REF, cluster)


@pytest.mark.parametrize(
    "pod",
    [
        {},
        {"metadata": None, "spec": [], "status": "x"},
        {"metadata": {"ownerReferences": ["x"], "creationTimestamp": "soon"}, "spec": {"containers": {"a": 1}}},
        {"status": {"podIPs": [{"ip": 7}, 8], "containerStatuses": None}, "metadata": {"deletionTimestamp": 5}},
    ],
)
def test_a_pod_of_a_strange_shape_is_still_a_target(pod: Json) -> None:
    assert target(pod) == Target("", "", "")


def test_a_bare_pod_and_an_uncontrolled_one() -> None:
    owner = {"metadata": {"ownerReferences": [{"kind": "Node", "name": "node1"}]}, "status": {"podIP": "10.0.0.9"}}
    assert target(owner).owner == "Node/node1"
    assert target(owner).pod_ips == ("10.0.0.9",)
    assert target({"metadata": {"ownerReferences": []}}).owner == ""
