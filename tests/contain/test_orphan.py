"""Waiting for a controller to let go: what happens where the watch tells nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import PODS
from irkit.contain import orphan
from irkit.contain.hand import Hand
from irkit.contain.plan.claims import Claim
from irkit.contain.plan.owner import Owner
from irkit.contain.policy.selector import Selector
from irkit.drill.range import server
from irkit.errors import Forbidden
from irkit.model.isolation import Change
from irkit.model.pod import PodRef
from irkit.settings import ClusterSettings
from tests.contracts.worlds import pod

OWNER = Owner("ReplicaSet", "web", "uid-web", Claim("ReplicaSet", "web", Selector(), uid="uid-web"))
REFERENCES = [
    {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "uid-other"},
    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "uid-web", "controller": True},
]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with server.start(0, home=tmp_path / "range", scenario=None) as practice:
        yield connect(ClusterSettings(str(practice.kubeconfig)))


def test_an_owner_that_never_lets_go_is_removed_and_no_other(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphan, "PATIENCE", 1)
    body = pod("web", "default")
    body["metadata"]["ownerReferences"] = REFERENCES
    seen = cluster.create(PODS.path("default"), body).json()
    announced: list[Change] = []
    proof = orphan.orphaned(PodRef("default", "web"), seen, OWNER, Hand(cluster, announced.append, dry_run=False))
    assert "did not let go" in proof.result
    assert [change.detail for change in announced] == ["owner ReplicaSet web removed: it did not let go by itself"]
    left: Json = cluster.get(PODS.path("default", "web")).json()
    assert left["metadata"]["ownerReferences"] == REFERENCES[:1]


def test_an_owner_that_has_let_go_already_is_not_waited_for(cluster: Cluster) -> None:
    seen = cluster.create(PODS.path("default"), pod("web", "default")).json()
    begun = time.monotonic()
    proof = orphan.orphaned(PodRef("default", "web"), seen, OWNER, Hand(cluster, lambda change: None, dry_run=False))
    assert proof.result == "ReplicaSet web has let go of the pod"
    assert time.monotonic() - begun < orphan.PATIENCE, "the watch was waited out"


class Blind:
    """A cluster that we may not watch."""

    def within(self, seconds: float) -> Blind:
        return self

    def stream(self, path: str, query: object) -> None:
        raise Forbidden("no")


def test_without_leave_to_watch_it_goes_on() -> None:
    seen: Json = {"metadata": {"name": "web", "namespace": "default", "resourceVersion": "1"}}
    orphan._await(seen, OWNER, Blind())  # type: ignore[arg-type]


def test_an_owner_that_may_not_be_removed_is_said(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphan, "PATIENCE", 1)
    body = pod("web", "default")
    body["metadata"]["ownerReferences"] = REFERENCES
    seen = cluster.create(PODS.path("default"), body).json()

    def no(change: Change) -> None:
        raise Forbidden("changing owners takes leave to delete")

    proof = orphan.orphaned(PodRef("default", "web"), seen, OWNER, Hand(cluster, no, dry_run=False))
    assert (proof.kind, proof.detail) == ("not orphaned", "changing owners takes leave to delete")


def test_events_come_in_pieces() -> None:
    events = [{"type": "MODIFIED", "object": {}}, {"type": "ERROR"}]
    whole = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    assert list(orphan._events([whole[:5], whole[5:40], whole[40:]])) == events
