"""What an engine's own deny does: its objects on a real API server with the engine's real definitions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from irkit.cluster.client import connect
from irkit.cluster.engines import served
from irkit.cluster.protocol import Cluster, Json
from irkit.contain.engines import amazon, calico, cilium
from irkit.contain.isolate import isolate
from irkit.contain.release import release
from irkit.errors import NotFound
from irkit.model.isolation import Change, Verdict
from irkit.model.pod import PodRef
from irkit.settings import ClusterSettings
from tests.cluster.crds import ENGINES, definition
from tests.cluster.real import RealCluster
from tests.contain.playground import policy


@pytest.mark.parametrize(
    ("config", "holds"),
    [
        ({}, True),
        ({"labels": ""}, True),
        ({"enable-policy": "always"}, True),
        ({"enable-policy": "never"}, False),
        ({"labels": "k8s:app k8s:io.kubernetes.pod.namespace"}, False),
        ({"labels": "k8s:app irkit.dev/.*"}, True),
        ({"labels": r"k8s:irkit\.dev/quarantine app"}, True),
        ({"labels": "reserved:.* container:irkit.dev"}, False),
        ({"labels": "k8s:!pod-template-hash"}, True),
        ({"labels": "k8s:!irkit"}, False),
        ({"labels": "(?P<broken"}, False),
    ],
)
def test_the_labels_that_cilium_looks_at(config: Json, holds: bool) -> None:
    assert (cilium.obstacle(config) is None) is holds


@pytest.mark.parametrize("orders", [[], [1000.0, 1_000_000.0], [0.5], [0], [-3, None]])
def test_our_tier_comes_before_every_other(orders: list[float | None]) -> None:
    others = [{"metadata": {"name": f"t{order}"}, "spec": {"order": order}} for order in orders]
    ours = {"metadata": {"name": calico.TIER}, "spec": calico.tier(others)}
    assert calico.first(ours, [*others, ours])
    assert not calico.first(ours, [ours, {"metadata": {"name": "new"}, "spec": {"order": ours["spec"]["order"]}}])


@pytest.mark.parametrize(("name", "known_by"), [("web-5d9c-x2x", "web-5d9c"), ("web-0", "web"), ("web", "web")])
def test_what_the_vpc_cni_knows_a_pod_by(name: str, known_by: str) -> None:
    assert amazon.identifier(name) == known_by


def no_one(change: Change) -> None:
    """Somebody who does not care about intents."""


@pytest.fixture
def home(real_cluster: RealCluster) -> Iterator[tuple[str, Cluster]]:
    """A namespace with a pod that every client may reach, whatever its labels."""
    name = f"irkit-engine-{uuid.uuid4().hex[:6]}"
    real_cluster.kubectl("create", "namespace", name)
    try:
        real_cluster.kubectl("wait", "--for=create", "--timeout=30s", "-n", name, "serviceaccount/default")
        container = {"name": "app", "image": "docker.io/local/busybox:1", "command": ["sleep", "600"]}
        pod = {
            "metadata": {"name": "web", "namespace": name, "labels": {"app": "web"}},
            "spec": {"containers": [container]},
        }
        inside: Json = {"ingress": [{"from": [{"podSelector": {}}]}], "egress": [{}]}
        real_cluster.apply({"apiVersion": "v1", "kind": "Pod", **pod}, policy("open", name, {}, **inside))
        yield name, connect(ClusterSettings(str(real_cluster.kubeconfig), timeout=20))
    finally:
        real_cluster.kubectl("delete", "namespace", name, "--wait=false")


def reported(real: RealCluster, plural: str, name: str, *where: str) -> None:
    """The policy says what an engine at work would have it say."""
    said = {
        "type": "Valid",
        "status": "True",
        "reason": "r",
        "message": "m",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    patch = json.dumps({"status": {"conditions": [said]}})
    real.kubectl("patch", plural, name, *where, "--subresource=status", "--type=merge", "-p", patch)


@contextmanager
def defined(real: RealCluster, cluster: Cluster, path: Path, engine: str) -> Iterator[Json]:
    """The engine's kind, served. Nobody else isolates for packets meanwhile, for the engine seems to be here."""
    kind: Json = json.loads(real.kubectl("create", "--dry-run=client", "-o", "json", "-f", str(path)))
    with real.enforcing(on=False):
        real.kubectl("apply", "--server-side", "-f", str(path))
        try:
            named = f"--for=jsonpath={{.status.acceptedNames.kind}}={kind['spec']['names']['kind']}"
            real.kubectl("wait", named, "--timeout=30s", f"crd/{kind['metadata']['name']}")
            assert any(is_served(cluster, kind, engine) for _ in range(400)), "it comes to be served"
            yield kind
        finally:
            real.kubectl("delete", "-f", str(path), "--ignore-not-found")


def is_served(cluster: Cluster, kind: Json, engine: str) -> bool:
    try:
        cluster.get(f"/apis/{engine}/{kind['spec']['names']['plural']}")
    except NotFound:
        return False
    return engine in served(cluster)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_it_closes_what_labels_cannot(real_cluster: RealCluster, home: tuple[str, Cluster], engine: str) -> None:
    (name, cluster), path = home, definition(engine)
    pod = PodRef(name, "web")
    before = isolate(pod, cluster, case="c", before=no_one, dry_run=True)
    assert set(before.verdict.values()) == {Verdict.INEFFECTIVE}, "without an engine"
    with defined(real_cluster, cluster, path, engine) as kind:
        plural = kind["metadata"]["name"]
        dry = isolate(pod, cluster, case="c", before=no_one, dry_run=True)
        found = isolate(pod, cluster, case="c", before=no_one)
        assert [change.kind for change in dry.changes] == [change.kind for change in found.changes]
        assert (found.residual, found.engine) == ((), f"networking.k8s.io/v1, {engine}")
        assert set(found.verdict.values()) == {Verdict.UNVERIFIED}, "nobody says that the engine is at work"
        made = next(change for change in found.changes if change.kind not in ("Pod", "NetworkPolicy"))
        (stored,) = json.loads(real_cluster.kubectl("get", plural, "-A", "-o", "json"))["items"]
        assert stored["spec"] == made.body["spec"], "the API server kept every field"
        reported(real_cluster, plural, made.name, *(["-n", made.namespace] if made.namespace else []))
        again = isolate(pod, cluster, case="c", before=no_one)
        assert (again.changes, again.residual) == ((), ())
        assert set(again.verdict.values()) == {Verdict.CLAIMED}
        assert made.kind in {change.kind for change in release(pod, cluster, before=no_one)}
        assert json.loads(real_cluster.kubectl("get", plural, "-A", "-o", "json"))["items"] == []
