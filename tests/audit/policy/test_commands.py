"""`irkit audit policy`, as a person or a script meets it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from irkit.audit.policy.read import parse
from irkit.audit.policy.recommend import recommended
from irkit.cli.commands import load
from tests.audit.detect.cases import binding
from tests.audit.logs import event, log
from tests.audit.policy.relog import stripped


def irkit(*words: str | Path, code: int = 0) -> str:
    """What `irkit audit policy WORDS` prints."""
    ended = CliRunner().invoke(load(), ["audit", "policy", *map(str, words)])
    assert ended.exit_code == code, (ended.output, ended.exception)
    return ended.stdout


def data(*words: str | Path, code: int = 0) -> Any:  # noqa: ANN401 - JSON of any shape
    return json.loads(irkit(*words, "-o", "json", code=code))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    irkit("recommend", "--out", path)
    return path


def test_recommend_prints_or_writes_one_policy(policy: Path) -> None:
    assert irkit("recommend") == policy.read_text() == recommended()
    assert data("recommend")["kind"] == "Policy"
    irkit("recommend", "--out", policy, code=2)


def test_its_json_is_the_same_policy(policy: Path, tmp_path: Path) -> None:
    plain = tmp_path / "policy.json"
    plain.write_text(irkit("recommend", "-o", "json"))
    assert irkit("lint", policy, plain).startswith("2 good")
    one, other = (parse(path.read_text()) for path in (policy, plain))
    assert [replace(rule, line=0) for rule in one.rules] == [replace(rule, line=0) for rule in other.rules]
    assert replace(one, rules=()) == replace(other, rules=())


def test_lint_names_every_place_and_ends_with_2(policy: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n- level: \x1b[31mAll\n")
    irkit("lint", bad, code=2)
    bad.write_text(bad.read_text().replace("\x1b", "\\e"))
    assert irkit("lint", policy, bad, code=2).startswith(f"{bad}:5:3: no such level")
    found = data("lint", policy, bad, code=2)
    assert found["checked"] == [str(policy), str(bad)]
    assert [(one["file"], one["line"], one["column"], one["check"], one["fatal"]) for one in found["problems"]] == [
        (str(bad), 5, 3, "level", True)
    ]


@pytest.mark.parametrize("name", ["absent.yaml", "", "binary"])
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "message" in data("lint", tmp_path / name, code=2)["error"]


def test_explain_says_level_rule_and_stages(policy: Path) -> None:
    line = 1 + next(n for n, text in enumerate(recommended().splitlines()) if "# 12." in text)
    asked = ("explain", policy, "--user", "alice", "--verb", "create", "-n", "shop")
    assert irkit(*asked, "--resource", "services").startswith(f"Request by rule 12 (line {line + 1}): ResponseComplete")
    found = data(*asked, "--resource", "things", "--api-group", "example.com", "--group", "dev", "--name", "x")
    assert found["level"] == "Request"
    assert found["rule"] == {"number": 12, "line": line + 1}
    assert found["stages"] == ["ResponseComplete", "Panic"]
    assert found["request"]["groups"] == ["dev", "system:authenticated"]
    nothing = irkit("explain", policy, "--user", "system:anonymous", "--verb", "get", "--path", "/livez")
    assert nothing.startswith("None by rule 3 ")


def test_explain_says_when_no_rule_matches(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Request, verbs: [create]}]\n")
    asked = ("explain", path, "--user", "system:node:n1", "--verb", "get", "--resource", "pods")
    assert irkit(*asked).startswith("None: no rule matches")
    found = data(*asked)
    assert (found["rule"], found["stages"]) == (None, [])
    assert found["request"]["groups"] == ["system:nodes", "system:authenticated"]


@pytest.mark.parametrize("words", [(), ("--resource", "pods", "--path", "/x"), ("--resource", "things")])
def test_explain_asks_back_what_it_must_know(policy: Path, words: tuple[str, ...]) -> None:
    irkit("explain", policy, "--user", "a", "--verb", "get", *words, code=2)


@pytest.mark.parametrize("words", [("GET", "--resource", "pods"), ("list", "--path", "/x"), ("get", "--path", "x")])
def test_explain_refuses_what_no_request_has(policy: Path, words: tuple[str, ...]) -> None:
    irkit("explain", policy, "--user", "a", "--verb", *words, code=2)


def test_coverage_of_a_policy(policy: Path) -> None:
    found = data("coverage", policy)
    assert found["summary"] == {"sees": 30, "half-blind": 3, "blind": 1, "unseen": 0}
    (blind,) = (one for one in found["rules"] if one["sight"] == "blind")
    assert (blind["rule"], blind["needs"], blind["severity"]) == ("token-secret", "Request", "high")
    (hole,) = blind["holes"]
    assert (hole["why"], hole["rule"], hole["verbs"], hole["targets"]) == ("no-body", 1, ["create"], ["secrets"])
    text = irkit("coverage", policy)
    assert "      create of secrets: rule 1 (line 19): Metadata leaves out the body: Request is needed\n" in text
    assert "by system:nodes: rule 6" in text
    assert "get, list, watch of * by system:apiserver" in text


def test_coverage_of_other_policies_says_every_reason(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    head = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n"
    path.write_text(head + "- {level: Request, verbs: [get, watch], omitStages: [ResponseStarted]}\n")
    text = irkit("coverage", path)
    assert "create of pods/attach, pods/exec: no rule matches: nothing is written" in text
    assert "get of pods/attach, pods/exec: rule 1 (line 4): written only when it ends" in text
    path.write_text(head + "- {level: Request, omitStages: [ResponseStarted, ResponseComplete]}\n")
    assert "the stages that say how it ended are left out" in irkit("coverage", path)


def test_coverage_of_a_log(tmp_path: Path) -> None:
    from irkit.audit.policy.nouns import Level

    path = log(tmp_path / "audit.log", [event(sub="exec", code=101), stripped(binding("view"), Level.METADATA)])
    found = data("coverage", "--log", path)
    sights = {one["rule"]: one["sight"] for one in found["rules"]}
    assert sights["exec-into-pod"] == "sees"
    assert sights["cluster-admin-binding"] == "blind"
    assert found["summary"] == {"sees": 4, "half-blind": 0, "blind": 1, "unseen": 29}
    assert (found["events"], found["levels"]) == (2, {"Metadata": 2})
    assert "1 of 1 without the body it judges by" in irkit("coverage", "--log", path)
    irkit("coverage", "--log", path, "--log", tmp_path / "absent", code=4)


def test_coverage_judges_one_thing(policy: Path) -> None:
    irkit("coverage", code=2)
    irkit("coverage", policy, "--log", "x", code=2)
