"""Somebody at a shell, on a practice cluster of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from irkit.cli.commands import load
from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import PODS
from irkit.drill.range.server import Range
from irkit.settings import ClusterSettings

PLACE = PODS.path("default", "web")


@dataclass(frozen=True)
class Shell:
    """A shell on a practice cluster of its own, in which there is a pod default/web."""

    home: Path
    range: Range

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        return self.run(*arguments, "web", code=code)

    def run(self, *arguments: str, code: int = 0) -> Result:
        """Of no pod by name."""
        env = {"IRKIT_HOME": str(self.home / "irkit"), "KUBECONFIG": str(self.range.kubeconfig)}
        ended = CliRunner().invoke(load(), [*arguments, "-n", "default"], env=env)
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended

    @property
    def cluster(self) -> Cluster:
        return connect(ClusterSettings(str(self.range.kubeconfig)))

    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.cluster.get(PLACE).json()["metadata"]["labels"]
        return found
