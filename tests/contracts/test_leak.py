"""Forty secrets of ten kinds in every place of a pod's life: nobody reads them but the recipients.

Through `irkit respond` as a responder runs it, on the practice cluster and on a real one.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import pyrage  # type: ignore[import-untyped]
import pytest

from irkit.cluster.protocol import Json
from irkit.cluster.resolve import resolve
from irkit.cluster.resources import CONFIG_MAPS, EVENTS, PODS, SECRETS
from irkit.model.pod import PodRef, Target
from tests.bundle.redact import planted
from tests.contracts.test_respond import Responder
from tests.contracts.worlds import IMAGE, World

NEEDLES = {needle for secret in planted.SECRETS for needle in planted.needles(secret)}


@pytest.fixture
def responder(world: World, tmp_path: Path) -> Responder:
    return Responder(tmp_path / "home", world.kubeconfig)


def leaks(content: bytes) -> list[bytes]:
    return [needle for needle in NEEDLES if needle in content]


def victim(world: World) -> PodRef:
    """The pod whose every field names the secrets, and whose log holds them."""
    made = planted.pod()
    for container in (*made["spec"]["containers"], *made["spec"]["initContainers"]):
        container |= {"image": IMAGE, "imagePullPolicy": "Never"}
    made["spec"]["initContainers"][0]["command"] = ["true"]
    made["spec"] |= {"terminationGracePeriodSeconds": 1}
    made["metadata"]["namespace"] = world.namespace
    kept = ((SECRETS, planted.secret_object()), (SECRETS, planted.release()), (CONFIG_MAPS, planted.config()))
    for resource, body in kept:
        metadata = {"name": "planted", **body.get("metadata", {}), "namespace": world.namespace}
        world.cluster.create(resource.path(world.namespace), body | {"apiVersion": "v1", "metadata": metadata})
    made["spec"]["containers"][0]["envFrom"] = [{"secretRef": {"name": "db"}}, {"configMapRef": {"name": "planted"}}]
    return world.saying(made, planted.said())


def told_by_the_cluster(world: World, pod: Target) -> None:
    """An event that quotes them."""
    about = {"kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid, "apiVersion": "v1"}
    for number, secret in enumerate(planted.SECRETS):
        event: Json = {"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "Unhealthy"}
        event |= {"metadata": {"name": f"{pod.name}.{number}"}, "involvedObject": about}
        world.cluster.create(
            EVENTS.path(pod.namespace), event | {"message": f"Liveness probe failed: {secret} refused"}
        )


def audited(world: World, pod: Target, path: Path) -> Path:
    """An audit log at level RequestResponse: the pod's creation, an exec with each secret in its words, its secrets."""
    body = world.cluster.get(PODS.path(pod.namespace, pod.name)).json()
    about = {"resource": "pods", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid, "apiVersion": "v1"}
    entries: list[Json] = [{"verb": "create", "objectRef": about, "requestObject": body, "responseObject": body}]
    for secret in planted.SECRETS:
        words = "".join(f"&command={quote(word)}" for word in ("mysql", f"--password={secret}"))
        uri = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/exec?container=app{words}"
        entries.append({"verb": "get", "objectRef": about | {"subresource": "exec"}, "requestURI": uri})
    entries.append(
        {
            "verb": "patch",
            "objectRef": about,
            "requestObject": {"metadata": {"annotations": {"t": json.dumps(planted.secret_object())}}},
        }
    )
    times = {"requestReceivedTimestamp": "2026-11-24T03:00:00.000000Z", "stageTimestamp": "2026-11-24T03:00:00.000001Z"}
    common: Json = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "stage": "ResponseComplete",
    }
    common |= times | {"user": {"username": "eve"}, "sourceIPs": ["10.0.0.9"], "responseStatus": {"code": 200}}
    path.write_text(
        "".join(json.dumps(common | {"auditID": f"a-{number}"} | entry) + "\n" for number, entry in enumerate(entries))
    )
    return path


def test_forty_secrets_reach_nobody_but_the_recipients(world: World, responder: Responder, tmp_path: Path) -> None:
    pod, _ = resolve(victim(world), world.cluster)
    told_by_the_cluster(world, pod)
    log = audited(world, pod, tmp_path / "audit.log")
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(str(identity))
    responder.home.mkdir()
    more = ("--audit", str(log), "--recipient", str(identity.to_public()), "--store", f"file://{responder.home}/store")
    ended = responder.irkit("respond", pod.name, "-n", pod.namespace, "--case", "C", "--log-level", "debug", *more)
    assert ended.code in (0, 4), ended.err
    said = [("respond", ended)]
    for command in (("run", "show", "last"), ("run", "show", "last", "-o", "json"), ("run", "ls")):
        said.append((" ".join(command), responder.irkit(*command)))
    [bundle] = (responder.home / "store").glob("*.tar.gz")
    said.append(("verify", responder.irkit("bundle", "verify", str(bundle), "-o", "json")))
    said.append(("ls", responder.irkit("bundle", "ls", str(bundle))))
    for what, one in said:
        assert not leaks((one.out + one.err).encode()), what
    assert said[-2][1].code == 0
    assert {name: found for name, content in shareable(bundle) if (found := leaks(content))} == {}
    assert {name: found for name, content in kept(responder.home) if (found := leaks(content))} == {}

    opened = responder.irkit(
        "bundle",
        "unseal",
        str(bundle),
        "-i",
        str(tmp_path / "key.txt"),
        "--reason",
        "test",
        "--out",
        str(tmp_path / "opened"),
    )
    assert opened.code == 0, opened.err
    assert not leaks((opened.out + opened.err).encode())
    originals = {
        file.relative_to(tmp_path / "opened").as_posix(): file.read_bytes() for file in files(tmp_path / "opened")
    }
    for place in ("pod/pod.json", "logs/app.current.log", "events/events.json", "audit/events.jsonl"):
        missing = [
            secret for secret in planted.SECRETS if not any(one in originals[place] for one in planted.needles(secret))
        ]
        assert missing == [], place


def shareable(bundle: Path) -> Iterator[tuple[str, bytes]]:
    """What everybody may read: every member that is not ciphertext, and their names."""
    with tarfile.open(bundle) as tar:
        for member in tar:
            yield f"name of {member.name}", member.name.encode()
            file = tar.extractfile(member)
            if file and not member.name.endswith(".age"):
                yield member.name, file.read()


def kept(home: Path) -> Iterator[tuple[str, bytes]]:
    """What a run leaves on the responder's disk, but for the bundles and the staged originals, which are private."""
    staged = list((home / "irkit/runs").glob("*/data"))
    for folder in staged:
        assert folder.stat().st_mode & 0o077 == 0
    for file in files(home):
        if not file.name.endswith(".tar.gz") and not any(file.is_relative_to(one) for one in staged):
            yield str(file), file.read_bytes()


def files(folder: Path) -> Iterable[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())
