"""What an engine's own deny does: its objects on a real API server with the engine's real definitions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

import pytest

from irkit import times
from irkit.cluster.client import connect
from irkit.cluster.engines import served
from irkit.cluster.protocol import Cluster, Json
from irkit.contain.engines import amazon, calico, cilium
from irkit.contain.hand import Hand
from irkit.contain.isolate import isolate
from irkit.contain.preserve.keep import Preserving
from irkit.contain.quarantine import Extent, quarantine
from irkit.contain.release import release
from irkit.contain.vigil.watch import Watch
from irkit.errors import NotFound
from irkit.model.isolation import Change, Isolation, Verdict
from irkit.model.pod import PodRef
from irkit.settings import ClusterSettings
from tests.cluster.crds import ENGINES, Definition, definitions
from tests.cluster.real import ONE_AT_A_TIME, RealCluster
from tests.contain.packets.playground import policy
from tests.waiting import until


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
    assert calico.obstacle([*others, ours]) is None
    new = {"metadata": {"name": "new"}, "spec": {"order": ours["spec"]["order"]}}
    assert str(calico.obstacle([ours, new])).endswith("or may be: new")
    assert calico.obstacle(others) == "the tier irkit is gone"


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
def defined(real: RealCluster, cluster: Cluster, kinds: list[Definition], engine: str) -> Iterator[None]:
    """The engine's kinds, served. Nobody else isolates for packets meanwhile, for the engine seems to be here."""
    whole = json.dumps({"apiVersion": "v1", "kind": "List", "items": kinds})
    with real.enforcing(on=False):
        real.kubectl("apply", "--server-side", "-f", "-", given=whole)
        try:
            for kind in kinds:
                named = f"--for=jsonpath={{.status.acceptedNames.kind}}={kind['spec']['names']['kind']}"
                real.kubectl("wait", named, "--timeout=30s", f"crd/{kind['metadata']['name']}")
                until(partial(is_served, cluster, kind, engine))
            yield
        finally:
            real.kubectl("delete", "--ignore-not-found", "-f", "-", given=whole)


def is_served(cluster: Cluster, kind: Definition, engine: str) -> bool:
    try:
        cluster.get(f"/apis/{engine}/{kind['spec']['names']['plural']}")
    except NotFound:
        return False
    return engine in served(cluster)


@dataclass(frozen=True)
class Stage:
    """A pod that labels cannot isolate, on a cluster where one engine is."""

    real: RealCluster
    cluster: Cluster
    pod: PodRef
    plural: str  # with its group

    def stored(self) -> list[Json]:
        items: list[Json] = json.loads(self.real.kubectl("get", self.plural, "-A", "-o", "json"))["items"]
        return items

    def isolated(self, **preserving: Any) -> Isolation:  # noqa: ANN401
        preserve = Preserving(**preserving) if preserving else None
        return quarantine(self.pod, Hand(self.cluster, no_one, False), Extent(preserve=preserve), case="c", run="")

    def deny(self) -> Json:
        (one,) = self.stored()
        return one

    def label(self, change: str) -> None:
        self.real.kubectl("label", "pod", self.pod.name, "-n", self.pod.namespace, change)

    def delete(self, *, dry_run: bool = False) -> None:
        metadata = self.deny()["metadata"]
        where = ["-n", metadata["namespace"]] if metadata.get("namespace") else []
        self.real.kubectl("delete", self.plural, metadata["name"], *where, *(["--dry-run=server"] if dry_run else []))


@contextmanager
def staged(real: RealCluster, home: tuple[str, Cluster], engine: str) -> Iterator[Stage]:
    (name, cluster), kinds = home, definitions(engine)
    with defined(real, cluster, kinds, engine):
        yield Stage(real, cluster, PodRef(name, "web"), kinds[0]["metadata"]["name"])


@contextmanager
def configured(real: RealCluster, **data: str) -> Iterator[None]:
    """Cilium's configuration, as far as anything is to be read there."""
    namespace, name = cilium.CONFIG
    metadata = {"name": name, "namespace": namespace}
    real.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    try:
        yield
    finally:
        real.kubectl("delete", "configmap", name, "-n", namespace)


CILIUM, CALICO = "cilium.io/v2", "projectcalico.org/v3"


@pytest.mark.real
@pytest.mark.slow
@ONE_AT_A_TIME
@pytest.mark.parametrize("engine", ENGINES)
def test_it_closes_what_labels_cannot(real_cluster: RealCluster, home: tuple[str, Cluster], engine: str) -> None:
    name, cluster = home
    pod = PodRef(name, "web")
    before = isolate(pod, cluster, case="c", before=no_one, dry_run=True)
    assert set(before.verdict.values()) == {Verdict.INEFFECTIVE}, "without an engine"
    with staged(real_cluster, home, engine) as stage, configured(real_cluster):
        dry = isolate(pod, cluster, case="c", before=no_one, dry_run=True)
        found = isolate(pod, cluster, case="c", before=no_one)
        assert [change.kind for change in dry.changes] == [change.kind for change in found.changes]
        assert (found.residual, found.engine) == ((), f"networking.k8s.io/v1, {engine}")
        assert set(found.verdict.values()) == {Verdict.UNVERIFIED}, "nobody says that the engine is at work"
        made = next(change for change in found.changes if change.kind not in ("Pod", "NetworkPolicy", "Tier"))
        assert stage.deny()["spec"] == made.body["spec"], "the API server kept every field"
        if engine != CALICO:  # which has nowhere to say it
            reported(real_cluster, stage.plural, made.name, *(["-n", made.namespace] if made.namespace else []))
        again = isolate(pod, cluster, case="c", before=no_one)
        assert (again.changes, again.residual) == ((), ())
        assert set(again.verdict.values()) == {Verdict.UNVERIFIED if engine == CALICO else Verdict.CLAIMED}
        assert made.kind in {change.kind for change in release(pod, cluster, before=no_one)}
        assert stage.stored() == []


@pytest.mark.real
@pytest.mark.slow
@ONE_AT_A_TIME
def test_a_deny_that_cilium_may_not_heed_is_never_claimed(real_cluster: RealCluster, home: tuple[str, Cluster]) -> None:
    with staged(real_cluster, home, CILIUM) as stage:
        stage.isolated()
        where = ["-n", stage.pod.namespace]
        reported(real_cluster, stage.plural, stage.deny()["metadata"]["name"], *where)
        unread = stage.isolated()
        assert (unread.residual, set(unread.verdict.values())) == ((), {Verdict.UNVERIFIED})
        assert any("whether cilium.io/v2 heeds our deny is not known" in proof.detail for proof in unread.proof)
        with configured(real_cluster):
            assert set(stage.isolated().verdict.values()) == {Verdict.CLAIMED}
        with configured(real_cluster, **{"enable-policy": "never"}):
            assert set(stage.isolated().verdict.values()) == {Verdict.INEFFECTIVE}
        release(stage.pod, stage.cluster, before=no_one)


@pytest.mark.real
@pytest.mark.slow
@ONE_AT_A_TIME
@pytest.mark.parametrize("engine", ENGINES)
def test_a_deny_is_watched_guarded_and_found_by_its_label(
    real_cluster: RealCluster, home: tuple[str, Cluster], engine: str
) -> None:
    with staged(real_cluster, home, engine) as stage:
        ref = stage.pod.pinned(stage.isolated().uid)
        stage.label("x=y")  # a first line: what was there in the beginning is known by then
        lines = Watch(ref, stage.cluster, times.now, times.now() + timedelta(minutes=2)).notices()
        assert [one.drift.kind for one in islice(lines, 1)] == ["label"]
        stage.delete()
        told = next(lines)
        assert (told.state, told.drift.kind) == ("begun", "engine")
        assert "is gone" in told.drift.what
        assert next(lines).drift.kind == "admits", "what it kept out"
        lines.close()
        stage.label("x-")
        stage.isolated(guard="irkit-test:break-glass")
        until(lambda: guarded(stage))
        release(ref, stage.cluster, before=no_one)
        assert stage.stored() == []
        stage.isolated()
        kind = stage.deny()["kind"]
        stage.real.kubectl("delete", "networkpolicy", "--all", "-n", ref.namespace)
        stage.real.kubectl("delete", "pod", ref.name, "-n", ref.namespace, "--grace-period=0", "--force")
        found = [change.kind for change in release(stage.pod, stage.cluster, before=no_one)]
        assert [kind for kind in found if kind != "Tier"] == [kind], "its label and name are enough to find it"
        assert stage.stored() == []


def guarded(stage: Stage) -> bool:
    """Whether an administrator is refused to delete the deny."""
    try:
        stage.delete(dry_run=True)
    except AssertionError as error:
        assert "quarantined by irkit as evidence" in str(error)
        return True
    return False
