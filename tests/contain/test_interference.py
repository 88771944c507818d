"""Isolation on a real cluster while a real webhook refuses it, or a real controller undoes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from irkit import times
from irkit.cluster.client import connect
from irkit.cluster.objects import items
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import NETWORK_POLICIES, PODS
from irkit.contain import marks
from irkit.contain.isolate import isolate
from irkit.contain.release import release
from irkit.contain.vigil.watch import Watch
from irkit.errors import ClusterError
from irkit.model.isolation import Verdict
from irkit.model.pod import PodRef
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine
from irkit.playbook.registry import single
from irkit.settings import ClusterSettings
from tests.cluster.real import RealCluster
from tests.contain.interfering import NO, controller, webhook
from tests.contain.packets.playground import policy
from tests.contracts.worlds import pod
from tests.waiting import until

pytestmark = pytest.mark.real
WEB = {"app": "web"}


@pytest.fixture
def cluster(real_cluster: RealCluster) -> Cluster:
    if not real_cluster.enforceable:
        pytest.skip("LEFT OUT: this API server is on another machine, and cannot reach a webhook of this test")
    return connect(ClusterSettings(str(real_cluster.kubeconfig), timeout=20))


@pytest.fixture
def victim(cluster: Cluster, real_namespace: str) -> PodRef:
    body = pod("victim", real_namespace)
    body["metadata"]["labels"] = WEB
    cluster.create(PODS.path(real_namespace), body)
    return PodRef(real_namespace, "victim")


def labels(cluster: Cluster, ref: PodRef) -> Json:
    found: Json = cluster.get(PODS.path(ref.namespace, ref.name)).json()["metadata"]["labels"]
    return found


def ours(cluster: Cluster, namespace: str) -> list[str]:
    return [one["metadata"]["name"] for one in items(cluster.pages(NETWORK_POLICIES.path(namespace), marks.OURS))]


def refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except ClusterError:
        return True
    return False


@pytest.mark.parametrize(
    ("speechless", "status", "why"), [(False, Status.REFUSED, NO), (True, Status.FAILED, "pods.example.com")]
)
def test_a_webhook_in_the_way_leaves_nothing_that_the_journal_does_not_know(
    real_cluster: RealCluster, cluster: Cluster, victim: PodRef, tmp_path: Path,
    speechless: bool, status: Status, why: str,
) -> None:  # fmt: skip
    setup = engine.Setup(tmp_path, connect=lambda _: cluster)

    def isolating(run: str) -> RunRecord:
        return engine.run(single("pod.isolate@1", victim), {}, setup, run_id=run, settings=engine.Settings())

    path, note = PODS.path(victim.namespace, victim.name), {"op": "add", "path": "/metadata/labels/a", "value": "b"}
    with webhook(real_cluster, victim.namespace, tmp_path, speechless=speechless):
        until(lambda: refused(lambda: cluster.patch(path, [note], dry_run=True)))
        record = isolating("run-1")
        assert (record.status, record.isolation) == (status, None)
        assert why in record.steps[-1].summary
        assert labels(cluster, victim) == WEB
        assert len(ours(cluster, victim.namespace)) == 1, "it selects nothing"
        assert [step.status for step in engine.undo("run-1", setup)] == [Status.DONE]
        assert ours(cluster, victim.namespace) == []
    until(lambda: not refused(lambda: cluster.patch(path, [note], dry_run=True)))
    found = isolating("run-2").isolation
    assert found
    assert set(found.verdict.values()) == {Verdict.UNVERIFIED}


def test_a_controller_that_fights_over_labels_is_never_missed(cluster: Cluster, victim: PodRef) -> None:
    opened = policy("own-labels", victim.namespace, {"matchLabels": WEB}, ingress=[{}])
    cluster.create(NETWORK_POLICIES.path(victim.namespace), opened)
    with controller(cluster, victim, "app", "web"):
        done = isolate(victim, cluster, case="c", before=lambda _: None)
        until(lambda: labels(cluster, victim).get("app") == "web")
        watch = Watch(victim.pinned(done.uid), cluster, times.now, times.now() + timedelta(minutes=1))
        lines = watch.notices()
        told = {next(lines).drift.kind, next(lines).drift.kind}
        lines.close()
        assert told == {"label", "admits"}, "whoever won the race when the verdict was given"
        again = isolate(victim, cluster, case="c", before=lambda _: None, keep_labels=True)
        assert {left.policy for left in again.residual} == {"own-labels"}
    done = isolate(victim, cluster, case="c", before=lambda _: None)
    assert set(done.verdict.values()) == {Verdict.UNVERIFIED}
    release(victim, cluster, before=lambda _: None)
    assert labels(cluster, victim) == WEB
