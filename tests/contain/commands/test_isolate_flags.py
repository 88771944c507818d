"""`irkit isolate` with its flags around the isolation, and releases that nobody types a name for."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from irkit.cli.commands import load
from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import NETWORK_POLICIES, POD_DISRUPTION_BUDGETS, PODS
from irkit.contain import admission, marks
from irkit.contain.preserve import node
from irkit.drill.range.server import Range
from irkit.model.permission import Permission
from irkit.model.pod import PodRef
from irkit.playbook.registry import needs, single
from irkit.settings import ClusterSettings
from tests.contracts.conftest import practice_cluster
from tests.contracts.worlds import pod
from tests.waiting import until

__all__ = ["practice_cluster"]  # the fixture


@pytest.fixture
def cluster(practice_cluster: Range) -> Cluster:
    return connect(ClusterSettings(str(practice_cluster.kubeconfig)))


class Shell:
    """A shell on the practice cluster, with a namespace of its own and a pod web in it."""

    def __init__(self, practice: Range, cluster: Cluster, home: Path) -> None:
        self.practice, self.cluster, self.home = practice, cluster, home
        self.namespace = f"flags-{home.name.replace('_', '-')[:40].rstrip('-').lower()}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        cluster.create("/api/v1/namespaces", body)
        cluster.create(PODS.path(self.namespace), pod("web", self.namespace))

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        env = {"IRKIT_HOME": str(self.home / "irkit"), "KUBECONFIG": str(self.practice.kubeconfig)}
        ended = CliRunner().invoke(load(), [*arguments, "-n", self.namespace], env=env)
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended

    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.cluster.get(PODS.path(self.namespace, "web")).json()["metadata"].get("labels", {})
        return found


@pytest.fixture
def typed(practice_cluster: Range, cluster: Cluster, tmp_path: Path) -> Shell:
    return Shell(practice_cluster, cluster, tmp_path)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--probe-image", "busybox"], "nothing is to be proved"),
        (["--prove"], "a probe needs an image"),
        (["--prove", "--probe-image", "a b"], "a probe needs an image"),
        (["--kill-flows"], "an image with ss"),
        (["--no-preserve", "--cordon"], "which is not wanted"),
        (["--guard", "a'b"], "not a group"),
        (["--ttl", "soon"], "not a length of time"),
        (["--watch", "-o", "json"], "says more than one thing"),
        (["--prove", "--probe-image", "busybox", "--probe-port", "0"], "--probe-port"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_done(typed: Shell, flags: list[str], why: str) -> None:
    told = typed("isolate", "web", *flags, code=2)
    assert why in told.stderr
    assert typed.labels() == {}


def test_a_quarantine_with_an_end_is_watched_and_released(typed: Shell) -> None:
    told = typed("isolate", "web", "--ttl", "1s", "-o", "jsonl").stdout.splitlines()
    first, *lines, last = [json.loads(line) for line in told]
    assert first["preserved"]
    assert set(first["families"]) == {"ingress", "egress"}
    assert (last["state"], last["drift"]["what"]) == ("end", "the time is over")
    assert all(line["state"] == "unseen" for line in lines)
    assert typed.labels() == {}
    assert typed.cluster.get(NETWORK_POLICIES.path(typed.namespace)).json()["items"] == []
    assert typed.cluster.get(POD_DISRUPTION_BUDGETS.path(typed.namespace)).json()["items"] == []


def test_a_watch_that_ends_with_a_drift_is_exit_5(typed: Shell) -> None:
    path = PODS.path(typed.namespace, "web")
    uid = typed.cluster.get(path).json()["metadata"]["uid"]

    def deleted() -> None:
        budgets = POD_DISRUPTION_BUDGETS.path(typed.namespace)  # the last thing that isolation makes
        until(lambda: bool(typed.cluster.get(budgets).json()["items"]))
        typed.cluster.delete(path, uid=uid)

    threading.Thread(target=deleted).start()
    told = typed("isolate", "web", "--watch", code=5).stdout
    assert "begun  pod: the pod is gone" in told


def test_what_is_past_its_time_is_released_by_whoever_looks(typed: Shell) -> None:
    assert "no quarantine is past its time" in typed("release", "--expired").stderr
    typed("isolate", "web")
    place = NETWORK_POLICIES.path(typed.namespace, marks.policy_name(typed.labels()[marks.QUARANTINE]))
    key = "/metadata/annotations/irkit.dev~1release-after"
    typed.cluster.patch(place, [{"op": "add", "path": key, "value": "2020-01-01T00:00:00Z"}])
    assert "would be deleted" in typed("release", "--expired", "--dry-run").stdout
    typed.cluster.patch(PODS.path(typed.namespace, "web"), [{"op": "add", "path": "/metadata/labels/a", "value": "b"}])
    assert "are not as irkit left them" in typed("release", "--expired", code=3).stderr
    assert "NetworkPolicy" in typed("release", "--expired", "--yes").stdout
    assert typed.labels() == {"a": "b"}


def test_release_wants_a_pod_or_those_that_are_over(typed: Shell) -> None:
    typed("release", code=2)
    typed("release", "web", "--expired", code=2)


@pytest.mark.parametrize(
    ("asked", "also"),
    [
        ({"guard": "incident-response"}, admission.POLICIES.permission("create", optional=True)),
        ({"cordon": True}, node.NEEDS[0]),
        ({"prove": True}, PODS.permission("create", optional=True)),
        ({"probe_inside": "${{ inputs.inside }}"}, PODS.permission("patch", "ephemeralcontainers", optional=True)),
    ],
)
def test_rights_are_asked_for_only_where_something_takes_them(asked: dict[str, object], also: Permission) -> None:
    plain = single("pod.isolate@1", PodRef("a", "b"), {})
    assert also not in needs(plain.playbook)
    assert also in needs(single("pod.isolate@1", PodRef("a", "b"), asked).playbook)
