"""A pod that an attacker owns, through `irkit respond`: nothing escapes, nothing crashes, all of it is kept raw."""

from __future__ import annotations

import gzip
import json
import uuid
from pathlib import Path

import pytest

from irkit.cluster.protocol import Json
from irkit.cluster.resolve import resolve
from irkit.cluster.resources import EVENTS, PODS
from irkit.drill.range.server import Range
from tests.contracts.test_respond import Responder, bundle_of, member
from tests.contracts.worlds import PracticeWorld, pod

EVIL = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script> =cmd|' /C calc'!A0 \u202egnp.exe \u200b"
LINES = [EVIL.encode(), b"\xff\xfe\x00\x80 torn", b"-rf ../../etc/passwd", b"A" * (20 << 20)]


@pytest.fixture
def owned(practice_cluster: Range) -> PracticeWorld:
    return PracticeWorld(practice_cluster, f"owned-{uuid.uuid4().hex[:8]}")


def victim(world: PracticeWorld) -> Json:
    """Ten thousand variables, an annotation and an event that spell it out."""
    env = [{"name": f"V{number}", "value": f"{EVIL}{number}"} for number in range(10_000)]
    made = pod("web", world.namespace)
    made["spec"]["containers"][0]["env"] = env
    made["metadata"]["annotations"] = {"evil": EVIL}
    world.cluster.create(PODS.path(world.namespace), made)
    target, _ = resolve_web(world)
    about: Json = {"kind": "Pod", "namespace": world.namespace, "name": "web", "uid": target, "apiVersion": "v1"}
    event: Json = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "web.evil"}}
    world.cluster.create(
        EVENTS.path(world.namespace),
        event | {"involvedObject": about, "message": EVIL, "reason": EVIL, "type": "Warning"},
    )
    return made


def resolve_web(world: PracticeWorld) -> tuple[str, bytes]:
    """The pod's uid, and the bytes of its object."""
    from irkit.model.pod import PodRef

    target, reply = resolve(PodRef(world.namespace, "web"), world.cluster)
    return target.uid, reply.body


def bomb(path: Path, uid: str) -> Path:
    """An audit file that unpacks to a hundred times its size and more: one event of the pod, then zeros."""
    about: Json = {"resource": "pods", "name": "web", "uid": uid, "subresource": "exec", "apiVersion": "v1"}
    event: Json = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete"}
    event |= {"auditID": EVIL, "verb": "get", "user": {"username": EVIL}, "objectRef": about, "requestURI": EVIL}
    event |= dict.fromkeys(("requestReceivedTimestamp", "stageTimestamp"), "2026-11-24T03:00:00.000000Z")
    packed = gzip.compress(json.dumps(event).encode() + b"\n" + bytes(200 << 20))
    assert len(packed) * 100 < 200 << 20
    path.write_bytes(packed)
    return path


@pytest.mark.slow
def test_nothing_escapes_and_all_of_it_is_kept(owned: PracticeWorld, tmp_path: Path) -> None:
    victim(owned)
    uid, body = resolve_web(owned)
    kept = owned.range.store.find("Pod", "web", owned.namespace)
    log = owned.range.logs.path(kept, "app", previous=False)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"".join(b"2026-11-24T03:00:00.000000000Z " + line + b"\n" for line in LINES))
    audit = bomb(tmp_path / "audit.log.gz", uid)
    responder = Responder(tmp_path, owned.kubeconfig)
    ended = responder.respond("web", owned.namespace, "--playbook", "collect-only", "--audit", str(audit))
    assert ended.code in (0, 4), ended.err
    shown = responder.irkit("run", "show", "last")
    assert not set(ended.err + shown.out + shown.err) & set("\x1b\x07\u202e\u200b")
    bundle = bundle_of(ended)
    assert responder.irkit("bundle", "verify", str(bundle)).code == 0
    assert member(bundle, "data/logs/app.current.log") == log.read_bytes()
    assert json.loads(member(bundle, "data/pod/pod.json"))["spec"] == json.loads(body)["spec"]
    for name in ("report.html", "report.md"):
        told = member(bundle, f"data/report/{name}").decode()
        assert "<script>" not in told
        assert not set(told) & set("\x1b\x07\u202e\u200b")
    assert any(gap["collector"] == "audit" for gap in ended.json["gaps"])
