"""`irkit rails`, `irkit freeze` and `irkit thaw` as a person and a script use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from irkit.cli.commands import load
from irkit.drill.range.server import Range
from tests.playbook.practice import NAMESPACE, Practice

PAGE = Path(__file__).parents[3] / "docs/rails.md"
FILE = PAGE.read_text().split("```yaml\n")[1].split("```")[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file that the docs show."""
    path = tmp_path / "rails.yaml"
    path.write_text(FILE)
    return path


def answer(home: Path, *arguments: str, code: int = 0, kubeconfig: Path | str = "") -> Any:  # noqa: ANN401 - JSON of any shape
    env = {"IRKIT_HOME": str(home), "KUBECONFIG": str(kubeconfig)}
    ended = CliRunner().invoke(load(), [*arguments, "-o", "json"], env=env)
    assert ended.exit_code == code, (ended.output, ended.exception)
    return json.loads(ended.stdout)


def test_the_file_in_the_docs_is_good_and_fits_the_schema(file: Path) -> None:
    assert answer(file.parent, "rails", "lint", str(file))["problems"] == []
    ended = CliRunner().invoke(load(), ["rails", "schema", "--out", str(file.with_suffix(".json"))])
    assert ended.exit_code == 0
    jsonschema.validate(YAML(typ="safe").load(FILE), json.loads(file.with_suffix(".json").read_text()))


def test_lint_tells_where(file: Path) -> None:
    file.write_text(FILE.replace("mode: dry-run", "mode: maybe"))
    (problem,) = answer(file.parent, "rails", "lint", str(file), code=2)["problems"]
    assert (problem["line"], problem["column"]) == (3, 1)


def test_freeze_shows_and_thaws(tmp_path: Path) -> None:
    frozen = answer(tmp_path, "freeze", "not now\x1b[2J")["frozen"]
    assert frozen["why"] == "not now\x1b[2J"
    assert "needs a reason" in answer(tmp_path, "freeze", "  ", code=2)["error"]["message"]
    shown = CliRunner().invoke(load(), ["rails", "show"], env={"IRKIT_HOME": str(tmp_path)})
    assert "not now" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert answer(tmp_path, "thaw")["ended"]["who"] == frozen["who"]
    assert answer(tmp_path, "rails", "show")["frozen"] is None
    assert answer(tmp_path, "thaw")["ended"] is None


def test_show_tells_the_defaults(tmp_path: Path) -> None:
    shown = answer(tmp_path, "rails", "show")
    assert (shown["policy"]["mode"], shown["policy"]["allow"], shown["deeds"]) == ("dry-run", [], [])


def test_explain_decides_about_a_live_pod(practice: Practice, shared_range: Range, file: Path) -> None:
    def ask(*flags: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON of any shape
        at = ("rails", "explain", practice.pod, "-n", NAMESPACE)
        return answer(practice.home, *at, *flags, code=code, kubeconfig=shared_range.kubeconfig)

    assert ask(code=3)["ruling"] == "refuse"
    plain = FILE.replace("    labels: {team: web}\n", "").replace(
        "control_plane_nodes: true", "control_plane_nodes: false"
    )
    file.write_text(plain)
    assert ask("--rails", str(file))["ruling"] == "rehearse"
    assert "error" in ask("--rails", str(file), "--severity", "awful", code=2)
    answer(practice.home, "freeze", "drill")
    assert ask("--rails", str(file), code=3)["reasons"][0]["rule"] == "frozen"
    assert "error" in ask("--rails", str(file.parent), code=2)


@pytest.mark.parametrize("action", ["nope@1", "evidence.collect@1", ""])
def test_explain_refuses_what_rails_are_never_asked_about(tmp_path: Path, shared_range: Range, action: str) -> None:
    at = ("rails", "explain", "web-0", "-n", NAMESPACE, "--action", action)
    told = answer(tmp_path, *at, code=2, kubeconfig=shared_range.kubeconfig)["error"]
    assert told["message"] == f"no such action: {action}"
    assert "pod.isolate@1" in told["hint"]
