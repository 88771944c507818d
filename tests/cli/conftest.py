"""One response on the practice cluster, whose leavings the tests of the commands read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from irkit.cli.commands import load
from irkit.drill.demo import Shown, demonstrate
from irkit.drill.range import server
from irkit.drill.range.server import Range
from irkit.playbook.progress import Silent


@dataclass(frozen=True)
class Shell:
    """A shell with a home of its own."""

    home: Path
    kubeconfig: Path

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        """Run irkit in this process; fails unless it ends with `code`."""
        env = {"IRKIT_HOME": str(self.home / "irkit"), "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.home)}
        ended = CliRunner().invoke(load(), list(arguments), env=env)
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A demonstration that has ended."""
    return demonstrate(tmp_path_factory.mktemp("demo"), Silent())


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """A practice cluster to send commands to."""
    with server.start(0, home=tmp_path_factory.mktemp("range")) as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, practice: Range, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell whose cluster is the practice cluster."""
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, practice.kubeconfig)


@pytest.fixture
def bundle(shown: Shown) -> str:
    """The bundle of the demonstration."""
    assert shown.run.bundle
    return str(shown.run.bundle.path)
