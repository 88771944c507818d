"""Audit ids used twice, over pieces, processes and files; in bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.audit.detect.allow.entries import Allow, Entry
from irkit.audit.detect.detect import detect
from irkit.audit.detect.kept import doubles
from irkit.audit.read import scan
from irkit.model.audit import Finding
from tests.audit.logs import Event, event, log
from tests.audit.shell import irkit


def reused(*paths: Path, ids: bool = False) -> list[Finding]:
    return [one for one in detect(list(map(str, paths)), ids=ids).findings if one.rule == "audit-id-reused"]


def many(first: int, last: int) -> list[Event]:
    return [event(name=f"w{n}", audit_id=f"id-{n}", seconds=n) for n in range(first, last)]


def test_a_double_is_found_wherever_its_records_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = log(tmp_path / "audit-1.log.gz", many(0, 40))
    new = log(tmp_path / "audit.log", [*many(40, 80), event("delete", audit_id="id-7", user="mallory", seconds=90)])
    (whole,) = reused(old, new)
    assert (whole.audit_ids, whole.actor) == (("id-7",), "alice")
    assert f"{old}:" in whole.reason
    assert f" and {new}:" in whole.reason
    monkeypatch.setattr(scan, "PIECE", 3_001)
    monkeypatch.setattr(scan, "WORTH", 0)
    assert reused(old, new) == [whole]


def test_a_copy_beside_the_original_is_no_double(tmp_path: Path) -> None:
    events = many(0, 20)
    assert reused(log(tmp_path / "a.log", events), log(tmp_path / "b.log", events)) == []


def test_what_shares_only_the_checksum_is_no_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(100))
    monkeypatch.setattr(doubles, "crc32", lambda line: next(numbers))
    one = event(audit_id="same")
    assert reused(log(tmp_path / "a.log", [one, one])) == []


def test_a_large_log_is_compared_on_demand_and_what_was_forgotten_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path / "audit.log", [*many(0, 30), event("delete", audit_id="id-29"), event(audit_id="id-1")])
    monkeypatch.setattr(doubles, "SMALL", 1)
    assert reused(path) == []
    assert "--ids does it" in irkit("audit", "detect", path).stdout
    monkeypatch.setattr(doubles, "KEPT", 10)
    assert [one.audit_ids for one in reused(path, ids=True)] == [("id-29",)]
    assert "id-29" in irkit("audit", "detect", path, "--rule", "audit-id-reused", "-o", "json").stdout
    told = irkit("audit", "detect", path, "--ids").stdout
    assert "at most 10 audit ids are kept; 21 were evicted, the oldest first" in told
    coverage = detect([str(path)], ids=True).coverage
    assert (coverage.compared, coverage.forgotten) == (32, 21)


def test_other_rules_alone_compare_nothing(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", many(0, 3))
    assert detect([str(path)], only=["exec-into-pod"]).coverage.compared == 0
    assert detect([str(path)], only=["audit-id-reused"]).coverage.compared == 3


def test_an_allow_list_excuses_whoever_takes_over_ids_and_is_counted(tmp_path: Path) -> None:
    """An aggregated API server writes the id of the request that was passed on to it."""
    relayed = event("create", audit_id="id-1", user="system:aggregator")
    path = log(tmp_path / "audit.log", [event(audit_id="id-1"), relayed, event(audit_id="id-2", user="mallory")])
    allow = Allow((Entry("aggregation", ("audit-id-reused",), ("system:aggregator",), learned=True),))
    report = detect([str(path)], allow=allow, only=["audit-id-reused"])
    assert report.findings == ()
    assert report.coverage.allowed == report.coverage.unreviewed == {"audit-id-reused": 1}
    log(path, [event(audit_id="id-1"), relayed, event("delete", audit_id="id-1", user="mallory")])
    (found,) = detect([str(path)], allow=allow).findings
    assert found.rule == "audit-id-reused"
