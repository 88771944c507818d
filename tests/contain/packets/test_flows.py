"""A connection that was open before: it outlives the policy, until it is cut in the pod."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from irkit.contain.hand import Hand
from irkit.contain.quarantine import Extent, quarantine
from irkit.contain.release import release
from irkit.model.isolation import Isolation
from irkit.model.pod import PodRef
from tests.cluster.real import ONE_AT_A_TIME
from tests.contain.packets.playground import Playground, container
from tests.contracts.worlds import IMAGE

pytestmark = [pytest.mark.real, pytest.mark.slow, ONE_AT_A_TIME]

TOOLBOX = "docker.io/local/toolbox:1"  # with ss
PORT = 9000


@pytest.fixture
def victim(ground: Playground) -> Iterator[PodRef]:
    """A pod that answers everything on PORT with what it was told, for as long as somebody talks."""
    ref = PodRef(ground.spaces[0], "talker")
    app = {**container(), "command": ["sh", "-c", f"nc -ll -p {PORT} -e cat"]}
    app["startupProbe"] = {**app["startupProbe"], "tcpSocket": {"port": PORT}}
    metadata = {"name": ref.name, "namespace": ref.namespace, "labels": {"app": "talker"}}
    body = {"containers": [app], "terminationGracePeriodSeconds": 0}
    ground.real.images()
    ground.real.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body})
    try:
        ground.real.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod", ref.name, "-n", ref.namespace)
        yield ref
    finally:
        ground.real.kubectl("delete", "pod", ref.name, "-n", ref.namespace, "--force", "--grace-period=0")


@contextmanager
def talking(ground: Playground, victim: PodRef) -> Iterator[subprocess.Popen[str]]:
    """Pod b talks with the victim over one connection, and prints every answer."""
    real = ground.real
    address = real.kubectl("get", "pod", victim.name, "-n", victim.namespace, "-o", "jsonpath={.status.podIP}")
    program = f"while echo still here; do sleep 0.1; done | nc {address} {PORT}"
    command = [real.kubectl_path, "--kubeconfig", str(real.kubeconfig), "exec", "-n", ground.home("b"), "b", "--"]
    with subprocess.Popen([*command, "sh", "-c", program], stdout=subprocess.PIPE, text=True) as client:
        try:
            assert answers(client, 1), "it is open"
            yield client
        finally:
            client.kill()


def answers(client: subprocess.Popen[str], count: int) -> bool:
    assert client.stdout
    return all(client.stdout.readline() for _ in range(count))


def isolated(ground: Playground, victim: PodRef, kill_flows: str = "") -> Isolation:
    hand = Hand(ground.cluster, lambda _: None, False)
    return quarantine(victim, hand, Extent(kill_flows=kill_flows), case="c", run="")


def flows(done: Isolation) -> list[str]:
    return [proof.result for proof in done.proof if proof.kind == "flows"]


def test_an_open_connection_is_told_of_and_cut_when_that_is_asked(ground: Playground, victim: PodRef) -> None:
    with ground.real.enforcing(), talking(ground, victim) as client:
        done = isolated(ground, victim)
        ground.settled()
        assert answers(client, 20), "the enforcer, as most, lets it live"
        assert "connections that were open before may go on: that is up to the policy engine" in done.warnings
        assert flows(done) == []
        assert flows(isolated(ground, victim, IMAGE)) == ["1 open, none cut: the image has no ss (iproute2)"]
        assert answers(client, 20)
        done = isolated(ground, victim, TOOLBOX)
        (proof,) = (proof for proof in done.proof if proof.kind == "flows")
        assert proof.result == "1 open, all cut"
        assert f":{PORT} -> {ground.addresses['b']}:" in proof.detail
        assert not answers(client, 600), "what was on its way is all that comes"
        release(victim, ground.cluster, before=lambda _: None)
