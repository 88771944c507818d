"""What other tools read: checked against their own rules."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from irkit import times
from irkit.audit.timeline import ocsf
from tests.audit import corpus
from tests.audit.detect.cases import ATTACKS
from tests.audit.logs import TARGET, Event, event, log
from tests.audit.shell import irkit

EVIL = "=cmd|'/c calc'!A1"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """One attack of every rule, and names that bite."""
    attacks = [one for logs in ATTACKS.values() for one in logs[0]]
    bare = event() | {"sourceIPs": None, "userAgent": "", "objectRef": None, "verb": "options", "user": None}
    hostile = event(user=EVIL, name="web\n@SUM(1)\x1b[31m\u202e")
    events: list[Event | bytes] = [*attacks, bare, hostile, event() | {"responseStatus": None}]
    return log(tmp_path / "audit.log", events)


@cache
def schema(class_uid: int) -> Draft202012Validator:
    whole = OcsfJsonSchemaEmbedded(get_ocsf_schema(ocsf.VERSION))
    return Draft202012Validator(whole.get_class_schema(whole.lookup_class_name_from_uid(class_uid)))


def lines(*arguments: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in irkit("audit", "timeline", *arguments).stdout.splitlines()]


def test_ocsf_is_what_its_schema_says(told: Path) -> None:
    events = lines(told, "--format", "ocsf")
    assert {one["class_uid"] for one in events} == {6003, 2004}
    for one in events:
        schema(one["class_uid"]).validate(one)
        assert one["type_uid"] == one["class_uid"] * 100 + one["activity_id"]


@corpus.needed
def test_real_logs_become_ocsf_too() -> None:
    path = corpus.ROOT / "liggitt__audit2rbac/demo.log"
    events = lines(path, "--format", "ocsf")
    assert sum(one["count"] for one in events) >= 30
    for one in events:
        schema(one["class_uid"]).validate(one)


def test_ocsf_names_attacks_and_keeps_the_ids(told: Path) -> None:
    (found,) = [one for one in lines(told, "--format", "ocsf") if one["message"].startswith("binds cluster-admin")]
    assert found["severity"] == "Critical"
    assert found["finding_info"]["attacks"][0]["sub_technique"]["uid"] == "T1098.006"
    assert found["evidences"][0]["data"]["audit_ids"] == found["unmapped"]["audit_ids"] != []
    again = [one["finding_info"]["uid"] for one in lines(told, "--format", "ocsf") if one["class_uid"] == 2004]
    assert found["finding_info"]["uid"] in again
    assert len(set(again)) == len(again)


def test_timesketch_gets_what_it_demands(told: Path) -> None:
    for one in lines(told, "--format", "timesketch"):
        assert one["message"]
        assert one["timestamp_desc"]
        assert int(times.parse(one["datetime"]).timestamp() * 1_000_000) == one["timestamp"]


def test_no_cell_of_the_table_is_a_formula_or_steers_a_terminal(told: Path) -> None:
    text = irkit("audit", "timeline", told, "--format", "csv").stdout
    head, *rows = csv.reader(io.StringIO(text))
    assert head[:3] == ["time", "until", "count"]
    cells = [cell for row in rows for cell in row]
    assert f"'{EVIL}" in cells
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_text_is_one_line_each(told: Path) -> None:
    text = irkit("audit", "timeline", told).stdout.splitlines()
    assert len(text) == len(lines(told, "-o", "jsonl"))
    assert all(line[:4].isdigit() for line in text)
    assert any("critical: cluster-admin-binding: binds cluster-admin" in line for line in text)


def test_one_document(told: Path) -> None:
    whole = json.loads(irkit("audit", "timeline", told, "-o", "json").stdout)
    assert whole["lines"] == lines(told, "-o", "jsonl")
    assert whole["gaps"] == []


def test_one_pod_and_flags_that_do_not_go_together(told: Path) -> None:
    pod = ("--pod", f"{TARGET.namespace}/{TARGET.name}", "-o", "jsonl")
    assert {one["tier"] for one in lines(told, *pod)} >= {0, 2}
    assert lines(told, "--where", "user = nobody", "-o", "jsonl") == []
    assert "give one of them" in irkit("audit", "timeline", told, "--format", "csv", "-o", "json", code=2).stderr
    assert "missing" in irkit("audit", "timeline", "/nowhere.log", code=4).stderr
