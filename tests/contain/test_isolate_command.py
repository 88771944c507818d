"""`irkit isolate` and `irkit release` where labels are at stake, as somebody at a shell uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from irkit.cli.commands import load
from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import PODS
from irkit.contain import marks
from irkit.drill.range import server
from irkit.drill.range.server import Range
from irkit.settings import ClusterSettings
from tests.contracts.worlds import pod

PLACE = PODS.path("default", "web")


@dataclass(frozen=True)
class Shell:
    """A shell on a practice cluster of its own, in which there is a pod default/web."""

    home: Path
    range: Range

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        env = {"IRKIT_HOME": str(self.home / "irkit"), "KUBECONFIG": str(self.range.kubeconfig)}
        ended = CliRunner().invoke(load(), [*arguments, "web", "-n", "default"], env=env)
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended

    @property
    def cluster(self) -> Cluster:
        return connect(ClusterSettings(str(self.range.kubeconfig)))

    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.cluster.get(PLACE).json()["metadata"]["labels"]
        return found


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with server.start(0, home=tmp_path / "range", scenario=None) as practice:
        made = Shell(tmp_path, practice)
        body = pod("web", "default")
        body["metadata"]["labels"] = {"app": "web"}
        made.cluster.create(PODS.path("default"), body)
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
        spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        made.cluster.create("/api/v1/namespaces/default/services", {**service, "spec": spec})
        yield made


def test_labels_change_and_come_back(shell: Shell) -> None:
    told = shell("isolate")
    assert "Service web loses an endpoint" in told.stderr, "said before it is done"
    assert "note       Service web loses an endpoint" in told.stdout
    assert shell.labels().keys() == {marks.QUARANTINE}
    shell("release")
    assert shell.labels() == {"app": "web"}


def test_labels_are_kept_where_that_is_asked_for(shell: Shell) -> None:
    told = json.loads(shell("isolate", "--keep-labels", "-o", "json").stdout)
    assert told["warnings"][-1] == "Service web keeps the pod: its clients get no answer from it"
    assert shell.labels().keys() == {"app", marks.QUARANTINE}


def test_labels_that_others_changed_are_left_to_a_person(shell: Shell) -> None:
    shell("isolate")
    shell.cluster.patch(PLACE, [{"op": "add", "path": "/metadata/labels/app", "value": "db"}])
    refused = shell("release", code=3)
    assert "are not as irkit left them: app is db, not absent" in refused.stderr
    assert "--yes" in refused.stderr
    assert marks.QUARANTINE in shell.labels()
    shell("release", "--yes")
    assert shell.labels() == {"app": "db"}
