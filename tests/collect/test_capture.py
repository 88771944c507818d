from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from irkit.cluster.protocol import Cluster
from irkit.collect.around.tools import Tools
from irkit.collect.capture import Bounds, capture
from irkit.collect.folder import Folder
from irkit.collect.piece import Found
from irkit.collect.pod.logs import Logs
from irkit.collect.pod.manifest import Manifest
from irkit.collect.registry import COLLECTORS, NEEDS
from irkit.model.codec import build
from irkit.model.evidence import Artifact, Gap, GapReason
from irkit.model.permission import Permission
from irkit.model.pod import Target
from tests.collect.api import Api, Cut, Says, no, ok, serving
from tests.collect.scene import LOG, POD, SHOP, TARGET, artifacts, files, gaps, log, pod, routes

EVERYTHING = {
    "findings/tools.json",
    "pod/pod.json",
    "pod/images.json",
    "pod/references.json",
    "pod/changes.json",
    "pod/metrics.json",
    "pod/namespace.json",
    "logs/setup.current.log",
    "logs/app.current.log",
    "logs/app.previous.log",
    "logs/debugger.current.log",
    "events/events.json",
    "events/by-name.json",
    "owners/replicaset-web-6d9f.json",
    "owners/deployment-web.json",
    "owners/changes.json",
    "network/services.json",
    "network/endpointslices.json",
    "network/networkpolicies.json",
    "identity/serviceaccount.json",
    "identity/rolebindings.json",
    "identity/clusterrolebindings.json",
    "identity/role-reader.json",
    "identity/clusterrole-basic.json",
    "identity/reach.json",
    "storage/claim-data.json",
    "storage/volume-pv-1.json",
    "node/node.json",
}


PODS_OWN = {each for each in EVERYTHING if each.startswith(("logs/", "pod/", "storage/"))} - {"pod/namespace.json"}


def test_everything_is_taken_and_what_never_was_is_said(tmp_path: Path) -> None:
    with serving(routes()) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    assert set(artifacts(found)) == files(tmp_path / "data") == EVERYTHING
    assert {(each.target, each.reason) for each in gaps(found).values()} == {
        ("previous log of init container setup", GapReason.NEVER_EXISTED),
        ("previous log of ephemeral container debugger", GapReason.NEVER_EXISTED),
    }


def test_what_is_kept_is_what_was_sent(tmp_path: Path) -> None:
    with serving(routes()) as api:
        found = artifacts(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
        sent = api.routes[POD]
    assert isinstance(sent, Says)
    assert (tmp_path / "data/pod/pod.json").read_bytes() == sent.body
    for path, each in found.items():
        held = (tmp_path / "data" / path).read_bytes()
        assert (each.sha256, each.size) == (hashlib.sha256(held).hexdigest(), len(held))
    call = found["logs/app.previous.log"].source
    assert call is not None
    assert call.url == f"{LOG}?container=app&timestamps=true&previous=true"
    assert call.status == 200


def test_images_are_computed_from_the_pod(tmp_path: Path) -> None:
    with serving(routes()) as api:
        found = artifacts(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    images = json.loads((tmp_path / "data/pod/images.json").read_bytes())
    assert images["app"]["imageID"] == "reg/app@sha256:app"
    assert {name: each["kind"] for name, each in images.items()} == {
        "setup": "init",
        "app": "regular",
        "debugger": "ephemeral",
    }
    assert found["pod/images.json"].source is None


def test_events_are_asked_for_by_uid_and_by_name(tmp_path: Path) -> None:
    with serving(routes()) as api:
        list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
        asked = [each for each in api.asked if each.startswith(f"{SHOP}/events")]
    assert any(f"involvedObject.uid%3D{TARGET.uid}" in each for each in asked)
    assert any("involvedObject.name%3Dweb" in each and f"uid%21%3D{TARGET.uid}" in each for each in asked)


def test_every_collector_has_its_heading_in_the_docs() -> None:
    docs = (Path(__file__).parents[2] / "docs/capture.md").read_text().splitlines()
    assert [each.name for each in COLLECTORS if f"### {each.name}" not in docs] == []


def test_every_collector_says_what_it_is_called_and_what_it_needs() -> None:
    names = [each.name for each in COLLECTORS]
    assert len(names) == len(set(names))
    assert all(each.needs for each in COLLECTORS)
    needed = {permission for each in COLLECTORS for permission in each.needs}
    assert {str(each) for each in NEEDS} == {str(each) for each in needed}
    assert {str(each) for each in NEEDS if each.optional} - {str(each) for each in Tools().needs} == {
        "list pods",  # of every namespace, and their logs: Falco's
        "get pods/log",
        "get nodes",
        "get namespaces",
        "get persistentvolumes",
        "get pods.metrics.k8s.io",
        "get clusterroles.rbac.authorization.k8s.io",
        "list clusterrolebindings.rbac.authorization.k8s.io",
    }


@dataclass(frozen=True)
class Failing:
    name: str = "failing"
    needs: tuple[Permission, ...] = ()

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        yield from (_hostile(each) for each in (1,))


def _hostile(_: int) -> Found:
    raise RecursionError("a hostile object")


def test_what_gets_out_of_a_collector_is_a_gap(tmp_path: Path) -> None:
    with serving(routes()) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Failing(), *COLLECTORS]))
    assert set(artifacts(found)) == EVERYTHING
    gap = gaps(found)["the rest of what collector failing takes"]
    assert (gap.reason, gap.detail) == (GapReason.FAILED, "unexpected RecursionError: a hostile object")


@pytest.mark.parametrize(
    ("name", "target", "permission"),
    [
        ("node", "node node1", "get nodes"),
        ("policies", "networkpolicies of namespace shop", "list networkpolicies.networking.k8s.io"),
        ("replicaset", "owner ReplicaSet web-6d9f", "get replicasets.apps"),
        ("role", "Role reader", "get roles.rbac.authorization.k8s.io"),
        ("log", "current log of container app", "get pods/log"),
    ],
)
def test_what_is_forbidden_names_the_permission(tmp_path: Path, name: str, target: str, permission: str) -> None:
    with serving(routes(**{name: no(403, "Forbidden", "no")})) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    gap = gaps(found)[target]
    assert gap.reason is GapReason.DENIED
    assert f"`{permission}`" in gap.remedy
    assert len(artifacts(found)) >= len(EVERYTHING) - 4


def test_an_overloaded_kubelet_costs_the_logs_only(tmp_path: Path) -> None:
    with serving(routes(log=no(500, "InternalError", "dial tcp: connection refused"))) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    assert set(artifacts(found)) == {each for each in EVERYTHING if not each.startswith("logs/")}
    assert gaps(found)["current log of container app"].reason is GapReason.UNREACHABLE


def test_no_server_at_all_is_gaps(tmp_path: Path) -> None:
    with serving({}) as api:
        cluster = api.connect(tmp_path)
    found = list(capture(TARGET, cluster, tmp_path / "data"))
    assert found
    assert {each.reason for each in found if isinstance(each, Gap)} == {GapReason.UNREACHABLE}
    assert artifacts(found) == {} or set(artifacts(found)) == {"identity/reach.json"}


def test_a_late_log_keeps_what_had_come(tmp_path: Path) -> None:
    over = Event()

    def slow(query: dict[str, str]) -> Says:
        def body() -> Iterator[bytes]:
            yield b"first line\n"
            over.wait(20)
            raise Cut

        return Says(body()) if query == {"container": "app", "timestamps": "true", "previous": "false"} else log(query)

    with serving(routes(log=slow)) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", bounds=Bounds(deadline=1.5)))
        over.set()
    part = artifacts(found)["logs/app.current.log"]
    gap = gaps(found)["current log of container app"]
    assert (tmp_path / "data" / part.path).read_bytes() == b"first line\n"
    assert (part.truncated, part.size, part.sha256) == (True, 11, hashlib.sha256(b"first line\n").hexdigest())
    assert part.source is not None
    assert gap.reason is GapReason.TRUNCATED
    assert "the first 11 bytes are there" in gap.detail
    assert set(artifacts(found)) == files(tmp_path / "data") == EVERYTHING


def test_a_cut_log_keeps_what_had_come(tmp_path: Path) -> None:
    def cut(query: dict[str, str]) -> Says:
        def body() -> Iterator[bytes]:
            yield b"x" * 70_000
            raise Cut

        return Says(body()) if query["container"] == "app" else log(query)

    with serving(routes(log=cut)) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    part = artifacts(found)["logs/app.previous.log"]
    assert (part.truncated, part.size) == (True, 70_000)
    assert gaps(found)["previous log of container app"].reason is GapReason.TRUNCATED


def test_a_server_that_says_nothing_is_left_at_the_deadline(tmp_path: Path) -> None:
    over = Event()

    def silent(query: dict[str, str]) -> Says:
        over.wait(20)
        return ok({})

    with serving(routes(node=silent)) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", bounds=Bounds(per_collector=5)))
        over.set()
    assert gaps(found)["node node1"].reason is GapReason.DEADLINE
    assert set(artifacts(found)) == EVERYTHING - {"node/node.json"}


def test_a_limit_caps_each_artifact(tmp_path: Path) -> None:
    with serving(routes()) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", bounds=Bounds(limit=40)))
    capped = artifacts(found)["logs/app.current.log"]
    assert (capped.truncated, capped.size) == (True, 40)
    assert gaps(found)["current log of container app"].detail == "cut at the limit; the first 40 bytes are there"


KILLED = """
import sys
from pathlib import Path
from irkit.cluster.client import connect
from irkit.collect.capture import Bounds, capture
from irkit.model.codec import compact
from irkit.model.evidence import Artifact
from irkit.settings import ClusterSettings
from tests.collect.scene import TARGET
for each in capture(TARGET, connect(ClusterSettings(kubeconfig=sys.argv[1])), Path(sys.argv[2])):
    if isinstance(each, Artifact):
        print(compact(each).decode(), flush=True)
"""


@pytest.mark.parametrize("after", [1, 12])
def test_killed_and_run_again_takes_what_is_not_held(tmp_path: Path, after: int) -> None:
    with serving(routes()) as api:
        cluster = api.connect(tmp_path)
        command = [sys.executable, "-c", KILLED, str(tmp_path / "kubeconfig"), str(tmp_path / "data")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(after)]
            process.kill()
        written_down = [build(Artifact, json.loads(line)) for line in lines]
        api.asked.clear()
        held = {each.path: each for each in written_down}
        found = list(capture(TARGET, cluster, tmp_path / "data", held=held))
    assert set(artifacts(found)) == files(tmp_path / "data") == EVERYTHING
    assert all(each in found for each in written_down)
    not_again = {each.source.url for each in written_down if each.source and each.path != "pod/pod.json"}
    assert not_again & set(api.asked) == set()


def test_a_capture_left_early_writes_nothing_more(tmp_path: Path) -> None:
    go, gone = Event(), Event()

    def endless(query: dict[str, str]) -> Says:
        def body() -> Iterator[bytes]:
            try:
                yield b"first\n"
                go.wait(20)
                while True:
                    yield b"more\n" * 20_000
            finally:
                gone.set()

        return Says(body())

    with serving(routes(log=endless)) as api:
        run = capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Manifest(), Logs()])
        assert isinstance(next(run), Artifact)
        run.close()  # type: ignore[attr-defined]
        go.set()
        assert gone.wait(20)


def _api_with(api: Api, path: str, says: Says) -> None:
    api.routes[path] = says


def test_a_pod_replaced_before_the_capture_gives_nothing_of_the_successor(tmp_path: Path) -> None:
    with serving(routes(pod=ok(pod("another-uid")))) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    taken, missing = artifacts(found), gaps(found)
    assert not {each for each in taken if each in PODS_OWN}
    assert "events/by-name.json" not in taken
    assert missing["the pod's object"].reason is GapReason.REPLACED
    assert missing["the logs of its containers"].reason is GapReason.REPLACED
    assert missing["events that name the pod but not its uid"].reason is GapReason.REPLACED
    assert {"events/events.json", "node/node.json", "owners/replicaset-web-6d9f.json"} <= set(taken)


def test_a_pod_replaced_while_its_log_is_asked_for(tmp_path: Path) -> None:
    with serving(routes()) as api:

        def successor(query: dict[str, str]) -> Says:
            _api_with(api, POD, ok(pod("another-uid")))
            return Says([b"of the successor\n"])

        api.routes[LOG] = successor
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Logs()]))
    assert artifacts(found) == {}
    assert files(tmp_path / "data") == set()
    assert {each.reason for each in gaps(found).values()} == {GapReason.REPLACED}


def test_a_pod_replaced_after_its_log_has_begun_keeps_the_log(tmp_path: Path) -> None:
    replaced, lone = Event(), pod()
    lone["spec"] = {"containers": [{"name": "app"}]}

    def ours(query: dict[str, str]) -> Says:
        def body() -> Iterator[bytes]:
            yield b"ours\n"
            replaced.wait(20)
            yield b"still ours\n"

        return no(400, "BadRequest", "what?") if query["previous"] == "true" else Says(body())

    with serving(routes(log=ours)) as api:

        def asked_twice(query: dict[str, str]) -> Says:  # first by the collector, then when the log has begun
            if api.asked.count(POD) == 2:
                _api_with(api, POD, ok(pod("another-uid")))
                replaced.set()
            return ok(lone)

        api.routes[POD] = asked_twice
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Logs()]))
    assert artifacts(found)["logs/app.current.log"].size == len(b"ours\nstill ours\n")
    assert gaps(found)["previous log of container app"].reason is GapReason.INVALID


def test_words_in_place_of_a_log_are_a_gap(tmp_path: Path) -> None:
    words = Says([b"unable to retrieve container logs for containerd://1d9593e9"])
    with serving(routes(log=lambda query: words if query["previous"] == "true" else log(query))) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    assert gaps(found)["previous log of container app"].reason is GapReason.ABSENT
    assert set(artifacts(found)) == EVERYTHING - {"logs/app.previous.log"}


def test_a_pod_that_is_gone_leaves_the_rest(tmp_path: Path) -> None:
    with serving(routes(pod=no(404, "NotFound", "gone"))) as api:
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data"))
    gap = gaps(found)["the logs of its containers"]
    assert gap.reason is GapReason.ABSENT
    assert f"/var/log/pods/shop_web_{TARGET.uid} on node node1" in gap.remedy
    assert set(artifacts(found)) == EVERYTHING - PODS_OWN | {"pod/metrics.json"}
    assert artifacts(found)["owners/replicaset-web-6d9f.json"].about.endswith("(known by name only)")


def test_a_pod_gone_after_its_object_was_taken_names_each_log(tmp_path: Path) -> None:
    with serving(routes()) as api:
        cluster = api.connect(tmp_path)
        list(capture(TARGET, cluster, tmp_path / "data", collectors=[Manifest()]))
        _api_with(api, POD, no(404, "NotFound", "gone"))
        found = list(capture(TARGET, cluster, tmp_path / "data", collectors=[Logs()]))
    assert len(gaps(found)) == 6
    assert gaps(found)["current log of init container setup"].reason is GapReason.ABSENT
