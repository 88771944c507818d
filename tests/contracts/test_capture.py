"""What a capture promises: the same on the practice cluster and on a real one."""

from __future__ import annotations

from pathlib import Path

from irkit.cluster.resolve import resolve
from irkit.cluster.resources import PODS
from irkit.collect.capture import Bounds, capture
from irkit.collect.piece import Found
from irkit.collect.wide.select import scope
from irkit.collect.wide.sweep import sweep
from irkit.model.evidence import Artifact, Gap, GapReason
from irkit.model.pod import PodRef
from tests.contracts.worlds import World, pod


def taken(found: list[Found]) -> dict[str, Artifact]:
    return {each.path: each for each in found if isinstance(each, Artifact)}


def missing(found: list[Found]) -> dict[str, GapReason]:
    return {each.target: each.reason for each in found if isinstance(each, Gap)}


def test_both_logs_of_a_container_that_crashed(world: World, tmp_path: Path) -> None:
    target, _ = resolve(world.crashed(), world.cluster)
    found = list(capture(target, world.cluster, tmp_path))
    log = PODS.path(world.namespace, target.name, "log") + "?container=app&timestamps=true"
    for run, more, word in (("current", "", b"second"), ("previous", "&previous=true", b"first")):
        held = (tmp_path / f"logs/app.{run}.log").read_bytes()
        assert held == world.raw(log + more)
        assert word in held
    assert (tmp_path / "pod/pod.json").read_bytes() == world.raw(PODS.path(world.namespace, target.name))
    lost = {about: reason for about, reason in missing(found).items() if reason is not GapReason.NEVER_EXISTED}
    assert lost == {}
    assert all(each.size == (tmp_path / each.path).stat().st_size for each in taken(found).values())


def test_a_container_that_never_restarted_has_lost_nothing(world: World, tmp_path: Path) -> None:
    target, _ = resolve(world.running(), world.cluster)
    found = list(capture(target, world.cluster, tmp_path))
    assert missing(found)["previous log of container app"] is GapReason.NEVER_EXISTED
    assert "logs/app.current.log" in taken(found)


def test_what_may_not_be_read_is_denied(world: World, tmp_path: Path) -> None:
    target, _ = resolve(world.running(), world.cluster)
    limited = world.limited({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})
    found = list(capture(target, limited, tmp_path))
    reasons = missing(found)
    assert {"pod/pod.json", "pod/images.json"} <= set(taken(found))
    assert reasons["current log of container app"] is GapReason.DENIED
    assert reasons["events that name the pod's uid"] is GapReason.DENIED
    assert reasons[f"node {target.node}"] is GapReason.DENIED


def test_a_whole_namespace_in_one_go(world: World, tmp_path: Path) -> None:
    pods = {world.running().name, world.crashed().name}
    every = scope(world.namespace, "", "", world.cluster)
    assert {each.name for each in every.pods} == pods
    found = list(sweep(every, world.cluster, tmp_path, bounds=Bounds(deadline=60)))
    for name in pods:
        log = PODS.path(world.namespace, name, "log") + "?container=app&timestamps=true"
        assert (tmp_path / f"pods/{name}/logs/app.current.log").read_bytes() == world.raw(log)
    assert set(missing(found).values()) == {GapReason.NEVER_EXISTED}
    assert {"events/events.json", "network/services.json", "pods/crashed/logs/app.previous.log"} <= set(taken(found))


def test_nothing_of_a_successor_is_taken(world: World, tmp_path: Path) -> None:
    home, ref = PODS.path(world.namespace), PodRef(world.namespace, "web")
    unplaced = pod("web", world.namespace, nodeSelector={"no": "node"})  # it is gone as soon as it is deleted
    world.cluster.create(home, unplaced)
    target, _ = resolve(ref, world.cluster)
    world.cluster.delete(PODS.path(world.namespace, "web"), uid=target.uid)
    world.cluster.create(home, unplaced)
    successor, _ = resolve(ref, world.cluster)

    found = list(capture(target, world.cluster, tmp_path))
    reasons = missing(found)
    assert reasons["the pod's object"] is GapReason.REPLACED
    assert reasons["current log of container app"] is GapReason.REPLACED
    everything = b"".join(each.read_bytes() for each in tmp_path.rglob("*.json"))
    assert successor.uid.encode() not in everything
    assert "identity/serviceaccount.json" in taken(found)
