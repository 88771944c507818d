from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from irkit.audit import collect
from irkit.audit.collect import gather
from irkit.model.evidence import Artifact, Gap, GapReason
from tests.audit.logs import START, TARGET, UID, event, line, log

NAMES = ("events.jsonl", "matches.jsonl", "findings.jsonl", "summary.json")


def test_what_is_gathered(tmp_path: Path) -> None:
    here, other = event(uid=UID, audit_id="one"), event(name="web-10")
    odd = line(here | {"auditID": "two", "unknownField": 1.50}).replace(b"1.5", b"1.50")
    path = log(tmp_path / "audit.log", [other, odd, here])
    summary, items = gather([str(path), str(tmp_path / "absent.log")], TARGET, tmp_path / "data", clock=lambda: START)
    folder = tmp_path / "data/audit"
    assert sorted(file.name for file in folder.iterdir()) == [
        "events.jsonl",
        "findings.jsonl",
        "matches.jsonl",
        "summary.json",
    ]
    assert (folder / "events.jsonl").read_bytes() == odd + line(here)
    raw = (folder / "matches.jsonl").read_bytes().splitlines()
    assert odd.strip() in raw[0]
    match = json.loads(raw[1])
    where = {"source": f"{path}:{len(line(other) + odd)}", "sha256": hashlib.sha256(line(here).strip()).hexdigest()}
    assert match == {"tier": 1, "reason": match["reason"], **where, "event": here}
    told = json.loads((folder / "summary.json").read_bytes())
    assert (told["events"], told["matched"], summary.matched) == (3, {"uid": 2}, {"uid": 2})
    artifacts = [item for item in items if isinstance(item, Artifact)]
    assert [item.path for item in artifacts] == [f"audit/{name}" for name in NAMES]
    for item in artifacts:
        data = (tmp_path / "data" / item.path).read_bytes()
        assert (item.sha256, item.size, item.collected) == (hashlib.sha256(data).hexdigest(), len(data), START)
    assert [item.reason for item in items if isinstance(item, Gap)] == [GapReason.ABSENT]


def test_nothing_found_is_evidence_too(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event(name="web-10")])
    summary, items = gather([str(path)], TARGET, tmp_path / "data")
    assert (summary.events, summary.matched) == (1, {})
    assert (tmp_path / "data/audit/events.jsonl").read_bytes() == b""
    assert len(items) == 4


def test_gathering_again_gives_the_same_files(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event(seconds=second) for second in range(20)])
    first = gather([str(path)], TARGET, tmp_path / "data", clock=lambda: START)
    assert gather([str(path)], TARGET, tmp_path / "data", clock=lambda: START) == first


def test_the_rules_judge_what_matched_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execs = [event(sub="exec", code=101, user=f"user{number}", seconds=number) for number in range(5)]
    started = [one | {"stage": "ResponseStarted"} for one in execs]
    reused = event(uid=UID, audit_id="same"), event(uid=UID, audit_id="same", user="bob")
    forced = event("patch", uid=UID, sub="ephemeralcontainers", user="mallory", seconds=60)
    elsewhere = event(name="web-10", sub="exec", code=101)
    path = log(tmp_path / "audit.log", [*started, *execs, *reused, forced, elsewhere])
    monkeypatch.setattr(collect, "FINDINGS", 6)
    summary, _ = gather([str(path)], TARGET, tmp_path / "data", clock=lambda: START)
    assert [one.rule for one in summary.findings] == [*["exec-into-pod"] * 5, "ephemeral-container"]
    assert summary.blind == {
        rule: 1 for rule in ("dangerous-capability", "host-namespaces", "host-path", "privileged-container")
    }
    lines = (tmp_path / "data/audit/findings.jsonl").read_bytes().splitlines()
    whole = [json.loads(line) for line in lines]
    assert [one["rule"] for one in whole] == [*(one.rule for one in summary.findings), "audit-id-reused"]
    assert json.loads((tmp_path / "data/audit/summary.json").read_bytes())["findings"] == whole[:6]
