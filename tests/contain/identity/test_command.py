"""`irkit identity` at a shell, and its steps in a run: cut off, gone on with, taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from irkit.cli.commands import load
from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import PODS, ROLE_BINDINGS
from irkit.contain.identity import deny
from irkit.drill.range import server
from irkit.drill.range.server import Range
from irkit.errors import IrkitError
from irkit.model.pod import PodRef
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, runs
from irkit.playbook.registry import single
from irkit.settings import ClusterSettings
from tests.contracts.worlds import bind, pod
from tests.playbook.practice import Watcher

RULE: Json = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
HERE = "payments"


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with server.start(0, home=tmp_path_factory.mktemp("range")) as started:
        cluster = connect(ClusterSettings(str(started.kubeconfig)))
        bind(cluster, HERE, "victim", (RULE,))
        cluster.create(PODS.path(HERE), pod("victim", HERE, serviceAccountName="victim"))
        yield started


@pytest.fixture
def cluster(practice: Range) -> Cluster:
    return connect(ClusterSettings(str(practice.kubeconfig)))


def typed(practice: Range, folder: Path, *arguments: str) -> Result:
    env = {"IRKIT_HOME": str(folder / "irkit"), "KUBECONFIG": str(practice.kubeconfig), "HOME": str(folder)}
    return CliRunner().invoke(load(), ["identity", *arguments, "-n", HERE], env=env)


def subjects(cluster: Cluster) -> list[Json]:
    return cluster.get(ROLE_BINDINGS.path(HERE, "victim")).json().get("subjects") or []


def test_what_it_says_as_json(practice: Range, cluster: Cluster, tmp_path: Path) -> None:
    was = subjects(cluster)
    shown = json.loads(typed(practice, tmp_path, "show", "victim", "-o", "json").stdout)
    assert set(shown) == {"pod", "service_account", "grants", "secrets", "warnings", "gaps", "revoked", "complete"}
    assert (shown["service_account"], shown["revoked"], shown["complete"]) == (f"{HERE}/victim", None, True)
    assert {"namespace": HERE, "name": "*", "why": "get by RoleBinding/victim"} in shown["secrets"]

    would = json.loads(typed(practice, tmp_path, "revoke", "victim", "--blast=account", "--dry-run", "-ojson").stdout)
    ended = typed(practice, tmp_path, "revoke", "victim", "--blast", "account", "-o", "json")
    assert ended.exit_code == 0, ended.stderr
    done = json.loads(ended.stdout)
    keys = {"pod", "service_account", "blast", "changes", "kept", "warnings", "gaps", "status", "run"}
    assert set(done) == set(would) == keys
    assert [change["kind"] for change in done["changes"]] == [change["kind"] for change in would["changes"]]
    assert (done["blast"], done["status"], subjects(cluster)) == ("account", "done", [])

    back = json.loads(typed(practice, tmp_path, "restore", "victim", "-o", "json").stdout)
    assert set(back) == {"pod", "changes", "warnings", "gaps", "status", "run"}
    assert len(back["changes"]) == len(done["changes"])
    assert subjects(cluster) == was


def test_what_it_says_to_a_reader(practice: Range, tmp_path: Path) -> None:
    assert "not revoked: nothing to restore" in typed(practice, tmp_path, "restore", "victim").stdout
    done = typed(practice, tmp_path, "revoke", "victim").stdout
    assert "ValidatingAdmissionPolicy irkit-revoked-" in done
    assert "reads go on" in done
    assert "undo       irkit identity restore victim" in done
    assert "revoked already: nothing to change" in typed(practice, tmp_path, "revoke", "victim").stdout
    shown = typed(practice, tmp_path, "show", "victim").stdout
    assert f"account    {HERE}/victim, revoked: pod" in shown
    assert "RoleBinding/victim" in shown
    assert "deleted (the pod may write again)" in typed(practice, tmp_path, "restore", "victim").stdout


def test_a_pod_that_is_not_there(practice: Range, tmp_path: Path) -> None:
    for verb in ("show", "revoke", "restore"):
        ended = typed(practice, tmp_path, verb, "nobody")
        assert ended.exit_code == 1
        assert "there is no pod payments/nobody" in ended.stderr
    assert typed(practice, tmp_path, "revoke", "victim", "--blast", "namespace").exit_code == 2


def interrupted(practice: Range, home: Path, change: int) -> engine.Setup:
    """A run that is cut off right after its `change`-th change was journalled, and what goes on with it."""

    def cut() -> None:
        raise KeyboardInterrupt

    watcher = Watcher()
    watcher.at("Change", cut, time=change)
    setup = engine.Setup(home, progress=watcher)
    settings = engine.Settings(ClusterSettings(str(practice.kubeconfig), timeout=10))
    playbook = single("pod.revoke@1", PodRef(HERE, "victim"), {"blast": "account"})
    with pytest.raises(IrkitError, match="interrupted"):
        engine.run(playbook, {}, setup, run_id="r-1", settings=settings)
    return engine.Setup(home)


@pytest.mark.parametrize("change", [1, 2, 3])
def test_a_run_cut_off_goes_on_and_is_taken_back(
    practice: Range, cluster: Cluster, tmp_path: Path, change: int
) -> None:
    was = subjects(cluster)
    setup = interrupted(practice, tmp_path, change)
    record: RunRecord = engine.resume("r-1", setup)
    assert record.status is Status.DONE
    assert len(record.steps[-1].actions) == 3
    assert subjects(cluster) == []
    (undone,) = engine.undo("r-1", setup)
    assert undone.status is Status.DONE
    assert subjects(cluster) == was
    assert deny.found(cluster, PodRef(HERE, "victim")) == []
    assert engine.undo("r-1", setup) == ()


def test_a_run_cut_off_is_taken_back_without_going_on(practice: Range, cluster: Cluster, tmp_path: Path) -> None:
    was = subjects(cluster)
    setup = interrupted(practice, tmp_path, 3)
    assert runs.show(tmp_path, "r-1").record.status is not Status.DONE
    (undone,) = engine.undo("r-1", setup)
    assert undone.status is Status.DONE
    assert subjects(cluster) == was
    assert deny.found(cluster, PodRef(HERE, "victim")) == []
