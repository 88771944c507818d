"""What TAB offers, as a shell asks for it."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from irkit.cli.commands import load
from irkit.drill.range.server import Range
from tests.cluster.scripted import kubeconfig


def offered(line: str, config: Path, home: Path) -> list[str]:
    env = {"_IRKIT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    where = {"KUBECONFIG": str(config), "IRKIT_HOME": str(home), "HOME": str(home)}
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
    assert offered("irkit respond x -n pay", tmp_path / "none", tmp_path) == []
    began = time.monotonic()
    assert offered("irkit isolate -n payments web", kubeconfig(tmp_path, server), tmp_path) == []
    assert time.monotonic() - began < 10


def test_a_server_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        file = kubeconfig(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert offered("irkit isolate -n payments web", file, tmp_path) == []
        assert time.monotonic() - began < 10
