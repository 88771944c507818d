"""`irkit audit detect` as people and scripts use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from irkit.model.audit import Severity
from tests.audit.detect.cases import PRIVILEGED, SHOP, binding, pod
from tests.audit.logs import Event, event, log
from tests.audit.shell import irkit

TEXT = {"type": "string"}
FINDING = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rule", "severity", "technique", "at", "actor", "target", "audit_ids", "reason"],
    "properties": {
        "rule": TEXT,
        "severity": {"enum": [str(one) for one in Severity]},
        "technique": {"type": "string", "pattern": r"^T\d{4}(\.\d{3})?$"},
        "at": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT[\d:.]+Z$"},
        "actor": TEXT,
        "target": TEXT,
        "audit_ids": {"type": "array", "items": TEXT},
        "reason": TEXT,
    },
}
# The contract of `irkit audit detect -o json`.
REPORT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["events", "findings", "coverage"],
    "properties": {
        "events": {"type": "integer"},
        "findings": {"type": "array", "items": FINDING},
        "coverage": {"type": "object", "required": ["sources", "malformed", "levels", "blind", "gaps", "rules"]},
    },
}


@pytest.fixture
def attacked(tmp_path: Path) -> Path:
    events: list[Event | bytes] = [
        event(sub="exec", code=101),
        event(sub="exec", code=101, seconds=20),
        binding("cluster-admin", user=SHOP, seconds=30),
        event("create", "deployments", "d", code=201, seconds=40),
        b"torn",
    ]
    return log(tmp_path / "audit.log", events)


def test_the_answer_in_json_is_the_documented_one(attacked: Path) -> None:
    told = json.loads(irkit("audit", "detect", attacked, "-o", "json").stdout)
    Draft202012Validator(REPORT).validate(told)
    assert (told["events"], told["coverage"]["malformed"]) == (4, 1)
    by_rule = {one["rule"]: one for one in told["findings"]}
    assert by_rule.keys() == {"exec-into-pod", "cluster-admin-binding"}
    assert len(by_rule["exec-into-pod"]["audit_ids"]) == 2
    blind = ("controller-account-pod", "dangerous-capability", "host-namespaces", "host-path", "privileged-container")
    assert told["coverage"]["blind"] == dict.fromkeys(blind, 1)


def test_one_finding_a_line(attacked: Path) -> None:
    lines = irkit("audit", "detect", attacked, "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["severity"] for line in lines] == ["medium", "critical"]


def test_in_text_the_gravest_comes_first_and_blindness_is_said(attacked: Path) -> None:
    told = irkit("audit", "detect", attacked).stdout
    assert told.index("critical: Every right") < told.index("medium: A command was run")
    assert "  2026-11-23T03:00:10Z  alice  pods/exec payments/web-1  (exec into web-1 (2 times))" in told
    assert "blind: host-path could not judge 1 requests" in told
    assert "skipped: 1 lines" in told


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event(sub="exec", user="eve\ncritical: you \x1b[31m", code=101)])
    told = irkit("audit", "detect", path).stdout
    assert "\ncritical" not in told
    assert "\x1b" not in told


def test_a_missing_source_is_exit_4_and_stands_in_the_coverage(attacked: Path, tmp_path: Path) -> None:
    ended = irkit("audit", "detect", attacked, tmp_path / "absent.log", "-o", "json", code=4)
    told = json.loads(ended.stdout)
    assert len(told["findings"]) == 2
    assert [gap["reason"] for gap in told["coverage"]["gaps"]] == ["absent"]
    assert "missing: audit log" in ended.stderr


def test_rules_and_times_can_be_chosen(attacked: Path) -> None:
    told = json.loads(irkit("audit", "detect", attacked, "--rule", "exec-into-pod", "-o", "json").stdout)
    assert {one["rule"] for one in told["findings"]} == {"exec-into-pod"}
    assert (told["coverage"]["rules"], told["coverage"]["blind"]) == (1, {})
    later = ("--since", "2026-11-23T03:00:25Z", "--until", "2026-11-23T03:01:00Z")
    lines = irkit("audit", "detect", attacked, *later, "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["rule"] for line in lines] == ["cluster-admin-binding"]


def test_an_allow_list_is_taken(attacked: Path, tmp_path: Path) -> None:
    allow = tmp_path / "allow.yaml"
    allow.write_text("- {reason: on call, rules: [exec-into-pod], users: [alice]}")
    told = irkit("audit", "detect", attacked, "--allow", allow).stdout
    assert "medium" not in told
    assert "allowed: 2 events of exec-into-pod" in told


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--rule", "exec-in-pod"), "there are: exec-into-pod"),
        (("--since", "yesterday"), "not a time"),
        (("--allow", "/nowhere.yaml"), "cannot read"),
        (("--until", "2026-11-23"), "not a time"),
    ],
)
def test_bad_flags_are_usage_errors_with_a_remedy(attacked: Path, flags: tuple[str, ...], says: str) -> None:
    assert says in irkit("audit", "detect", attacked, *flags, code=2).stderr


def test_standard_input_and_gzip(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log.gz", [pod({"containers": [PRIVILEGED]})])
    (found,) = json.loads(irkit("audit", "detect", path, "-o", "json").stdout)["findings"]
    assert found["rule"] == "privileged-container"
