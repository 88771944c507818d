from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from irkit.audit.search import search
from irkit.cluster.client import connect
from irkit.drill.range import server
from irkit.drill.range.scenario.story import PAYMENTS
from irkit.drill.range.server import Range
from irkit.model.evidence import GapReason
from irkit.settings import ClusterSettings
from tests.audit.logs import TARGET, event, log
from tests.audit.shell import irkit


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Range]:
    with server.start(0, home=tmp_path / "range", scenario=PAYMENTS) as practice:
        yield practice


def test_every_control_plane_node_gives_its_rotations(cluster: Range, tmp_path: Path) -> None:
    files = cluster.world.files
    files.clear()
    for name, seconds in {
        "audit.log": 2,
        "audit-2026-11-23T02-00-00.000.log": 1,
        "termination.log": 3,
        "old/a": 4,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        files[f"node-1/kube-apiserver/{name}"] = log(tmp_path / name, [event(seconds=seconds)])
    door = partial(connect, ClusterSettings(str(cluster.kubeconfig)))
    looking = search(["node-logs:///kube-apiserver/"], TARGET, door=door)
    assert [match.source for match in looking] == [
        "node-logs://node-1/kube-apiserver/audit-2026-11-23T02-00-00.000.log:0",
        "node-logs://node-1/kube-apiserver/audit.log:0",
    ]
    assert looking.gaps == []
    one = search(["node-logs://node-1/kube-apiserver/audit.log"], TARGET, door=door)
    assert len(list(one)) == 1


def test_the_commands_read_the_practice_cluster(cluster: Range) -> None:
    flags = ("--pod", PAYMENTS.victim, "-n", "payments", "--kubeconfig", cluster.kubeconfig)
    told = irkit("audit", "search", "node-logs:///kube-apiserver/", *flags, "-o", "jsonl").stdout
    assert json.loads(told.splitlines()[0])["source"].startswith("node-logs://node-1/kube-apiserver/audit.log:")


def test_what_a_node_does_not_give_is_a_gap(cluster: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    named = ["node-logs://node-1", "node-logs://node-1/none/audit.log", "node-logs://no-such-node/a.log"]
    looking = search(named, TARGET)
    assert list(looking) == []
    assert [gap.reason for gap in looking.gaps] == [GapReason.INVALID, GapReason.ABSENT, GapReason.ABSENT]
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
    looking = search(["node-logs:///kube-apiserver/"], TARGET)
    assert (list(looking), [gap.reason for gap in looking.gaps]) == ([], [GapReason.INVALID])
