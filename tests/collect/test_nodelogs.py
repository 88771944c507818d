"""The journal of the pod's node, and the kubelet that does not give it."""

from __future__ import annotations

from pathlib import Path

from irkit.collect.capture import capture
from irkit.collect.inside.checkpoint import Checkpoint
from irkit.collect.inside.intrusive import EVERYTHING, INTRUSIVE, Wish, intrusive
from irkit.collect.inside.nodelogs import NodeLogs
from irkit.collect.piece import Found
from irkit.model.evidence import GapReason
from irkit.model.isolation import Change
from irkit.model.pod import Target
from tests.collect.api import Query, Route, Says, no, ok, serving
from tests.collect.scene import POD, TARGET, UID, artifacts, gaps, pod, routes, thing

NODE = "/api/v1/nodes/node1"
LOGS = f"{NODE}/proxy/logs/"
CHECKPOINT = f"POST {NODE}/proxy/checkpoint/shop/web/app"


def runs(container: str) -> dict[str, object]:
    there = pod()
    there["status"] = {"containerStatuses": [{"name": container, "state": {"running": {}}}]}
    return there


def nodelogs(tmp_path: Path, target: Target = TARGET, **served: Route) -> list[Found]:
    info = {"nodeInfo": {"containerRuntimeVersion": "cri-o://1.34.0"}}
    scene = routes(node=ok(thing("node1", status=info))) | {LOGS: served["logs"]} if served else {}
    with serving(scene) as api:
        return list(capture(target, api.connect(tmp_path), tmp_path / "data", collectors=[NodeLogs()]))


def test_the_kubelets_and_the_runtimes_journal(tmp_path: Path) -> None:
    def journal(query: Query) -> Says:
        return Says([f"{query['query']} says\n".encode()])

    found = nodelogs(tmp_path, logs=journal)
    assert set(artifacts(found)) == {"node/kubelet.log", "node/crio.log"}
    assert (tmp_path / "data/node/crio.log").read_bytes() == b"crio says\n"


def test_a_listing_of_files_is_no_journal(tmp_path: Path) -> None:
    found = nodelogs(tmp_path, logs=Says([b'<!doctype html>\n<pre>\n<a href="README">README</a>\n']))
    assert artifacts(found) == {}
    assert {gap.reason for gap in gaps(found).values()} == {GapReason.INVALID}
    assert "enableSystemLogQuery" in gaps(found)["log of kubelet on node node1"].remedy


def test_a_pod_without_a_node_has_no_journal(tmp_path: Path) -> None:
    (gap,) = gaps(nodelogs(tmp_path, Target("shop", "web", UID))).values()
    assert gap.reason is GapReason.NEVER_EXISTED


def test_a_checkpoint_of_a_successor_is_not_taken(tmp_path: Path) -> None:
    changes: list[Change] = []
    with serving(routes(pod=ok(runs("app")))) as api:

        def written(query: Query) -> Says:
            api.routes[POD] = ok(pod("another-uid"))
            return ok({"items": ["/var/lib/kubelet/checkpoints/it.tar"]})

        api.routes[CHECKPOINT] = written
        found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[Checkpoint(changes.append)]))
    assert artifacts(found) == {}
    assert gaps(found)["checkpoint of container app"].reason is GapReason.REPLACED
    assert len(changes) == 1


def test_a_kubelet_that_cannot_says_so_in_its_words(tmp_path: Path) -> None:
    for refused in (Says(b"404 page not found\n", 404), no(500, "InternalError", "CRIU binary not found")):
        with serving(routes(pod=ok(runs("app"))) | {CHECKPOINT: refused}) as api:
            checkpoint = Checkpoint(lambda _: None)
            found = list(capture(TARGET, api.connect(tmp_path), tmp_path / "data", collectors=[checkpoint]))
        gap = gaps(found)["checkpoint of container app"]
        assert gap.reason is GapReason.INVALID
        assert gap.detail.startswith(f"the kubelet says {refused.status}: ")


def test_each_has_its_heading_in_the_docs_and_says_what_it_alters() -> None:
    docs = (Path(__file__).parents[2] / "docs/capture.md").read_text().splitlines()
    every = list(intrusive(EVERYTHING, lambda _: None))
    assert [each.name for each in every] == list(INTRUSIVE)
    assert [each.name for each in every if f"### {each.name}" not in docs] == []
    assert list(intrusive(Wish(), lambda _: None)) == []
