"""What TAB offers, as a shell asks for it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from irkit.cli import completing
from irkit.cli.commands import load
from irkit.drill.range.server import Range


def offered(line: str, kubeconfig: Path, home: Path) -> list[str]:
    env = {"_IRKIT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    where = {"KUBECONFIG": str(kubeconfig), "IRKIT_HOME": str(home), "HOME": str(home)}
    ended = CliRunner().invoke(load(), [], prog_name="irkit", env=env | where)
    assert (ended.exit_code, ended.stderr) == (0, "")
    return ended.stdout.split()


def test_names_of_the_cluster_are_offered(practice: Range, tmp_path: Path) -> None:
    def ask(line: str) -> list[str]:
        return offered(line, practice.kubeconfig, tmp_path)

    assert ask("irkit respond x -n pay") == ["payments"]
    web = ask("irkit isolate -n payments web-")
    assert web
    assert all(name.startswith("web-") for name in web)
    assert ask("irkit capture payments/web-") == [f"payments/{name}" for name in web]
    assert ask("irkit respond -n payments pod/web-") == [f"pod/{name}" for name in web]
    assert ask("irkit respond web-") == []


def test_what_irkit_brings_is_offered(practice: Range, tmp_path: Path) -> None:
    assert offered("irkit playbook show collect-o", practice.kubeconfig, tmp_path) == ["collect-only"]
    assert offered("irkit playbook lint crypto", practice.kubeconfig, tmp_path) == ["cryptominer"]
    assert offered("irkit rbac --playbook crypto", practice.kubeconfig, tmp_path) == ["cryptominer"]
    every = offered("irkit audit detect --rule ", practice.kubeconfig, tmp_path)
    assert every[0] in offered(f"irkit audit detect --rule {every[0][:4]}", practice.kubeconfig, tmp_path)


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "no address"])
def test_without_a_cluster_nothing_is_offered_and_nothing_said(tmp_path: Path, server: str) -> None:
    file = tmp_path / "kubeconfig"
    assert offered("irkit respond x -n pay", file, tmp_path) == []
    one = {"name": "a", "cluster": {"server": server}}
    config = {"clusters": [one], "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}
    file.write_text(json.dumps(config | {"users": [{"name": "a", "user": {}}], "current-context": "a"}))
    began = time.monotonic()
    assert offered("irkit isolate -n payments web", file, tmp_path) == []
    assert time.monotonic() - began < 10


def test_what_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completing, "SECONDS", 0.1)
    monkeypatch.setattr("irkit.playbook.find.everything", lambda: time.sleep(3))
    began = time.monotonic()
    assert completing.playbooks("") == []
    assert time.monotonic() - began < 2
