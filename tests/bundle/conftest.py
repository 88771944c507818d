"""What several tests of this folder need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from irkit.bundle.attest import keys
from irkit.bundle.attest.keys import Signer
from irkit.cli.commands import load
from tests.bundle import authority

Irkit = Callable[..., Result]


@pytest.fixture
def irkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Irkit:
    """Run irkit in this process, in an empty folder; fails unless it ends with `code`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, code: int = 0, **environ: str) -> Result:
        env = {"HOME": str(tmp_path), "IRKIT_HOME": str(tmp_path / "home"), **environ}
        ended = CliRunner().invoke(load(), [str(one) for one in arguments], env=env)
        assert ended.exit_code == code, (ended.output, ended.exception)
        return ended

    return run


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """Three who can sign; their key files are in the folder of the first."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ann", "bob", "eve"):
        keys.generate(folder / name)
    return {name: keys.signer(folder / name) for name in ("ann", "bob", "eve")}


@pytest.fixture(scope="session")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a time-stamping authority; its root is `root.pem`."""
    folder = tmp_path_factory.mktemp("tsa") / "a"
    authority.made(folder)
    return folder
