"""First seen: what the file of ordinary days does not know is news, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from irkit.audit.detect.allow.entries import Allow, Entry
from irkit.audit.detect.allow.learn import learn
from irkit.audit.detect.detect import Report, detect
from irkit.audit.detect.fresh import known as file
from irkit.audit.detect.fresh import work
from irkit.audit.detect.fresh.known import Known, load, text
from irkit.audit.detect.registry import NEWCOMERS, RULES
from irkit.audit.read import scan
from irkit.errors import UsageError
from irkit.model.evidence import GapReason
from tests.audit.detect.newcomers import ATTACKS, INNOCENT, ORDINARY, SHOP
from tests.audit.logs import Event, event, log
from tests.audit.shell import irkit

CASES = [(rule, n) for rule in ATTACKS for n in range(len(ATTACKS[rule]))]
NO_CASES = [(rule, n) for rule in INNOCENT for n in range(len(INNOCENT[rule]))]


@pytest.fixture
def days(tmp_path: Path) -> Known:
    """What the ordinary days knew, by way of its file."""
    path = tmp_path / "known.json"
    known = learn([str(log(tmp_path / "ordinary.log", ORDINARY))], knowing=True).known
    assert known
    path.write_text(text(known))
    assert load(path) == known
    assert known.events == len(ORDINARY)
    return known


def report(path: Path, events: list[Event], days: Known, allow: Allow = Allow()) -> Report:  # noqa: B008
    return detect([str(log(path / "now.log", events))], days=days, allow=allow)


def news(found: Report) -> set[str]:
    return {one.rule for one in found.findings} & {rule.id for rule in NEWCOMERS}


@pytest.mark.parametrize(("rule", "number"), CASES)
def test_news_is_told(tmp_path: Path, days: Known, rule: str, number: int) -> None:
    assert rule in news(report(tmp_path, ATTACKS[rule][number], days))


@pytest.mark.parametrize(("rule", "number"), NO_CASES)
def test_what_was_known_is_not(tmp_path: Path, days: Known, rule: str, number: int) -> None:
    assert rule not in news(report(tmp_path, INNOCENT[rule][number], days))


def test_ordinary_days_are_no_news_and_without_their_file_nothing_is(tmp_path: Path, days: Known) -> None:
    assert news(report(tmp_path, ORDINARY, days)) == set()
    eve = [event(user="eve")]
    assert news(detect([str(log(tmp_path / "now.log", eve))])) == set()
    assert report(tmp_path, eve, days).coverage.rules == len(RULES) + len(NEWCOMERS)


def test_one_finding_for_each_newcomer_with_all_it_did(tmp_path: Path, days: Known) -> None:
    events = [event("get", name=f"w{n}", user=user, seconds=n) for n in range(3) for user in ("eve", "mallory")]
    found = [one for one in report(tmp_path, events, days).findings if one.rule == "new-user"]
    assert [(one.actor, len(one.audit_ids)) for one in found] == [("eve", 3), ("mallory", 3)]
    assert found[0].reason == "1 identity not in the baseline: eve"


def test_who_is_excused_is_no_news(tmp_path: Path, days: Known) -> None:
    allow = Allow((Entry("new in the team", rules=("new-*",), users=("eve",)),))
    found = report(tmp_path, [event(user="eve")], days, allow)
    assert (news(found), found.coverage.allowed) == (set(), {"new-user": 1})


def test_many_processes_learn_and_find_the_same(tmp_path: Path, days: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event("get", name=f"w{n}", user=f"user-{n % 9}", seconds=n) for n in range(60)]
    expected = report(tmp_path, events, days)
    monkeypatch.setattr(scan, "PIECE", 4_001)
    monkeypatch.setattr(scan, "WORTH", 0)
    assert report(tmp_path, events, days) == expected
    assert learn([str(tmp_path / "ordinary.log")], knowing=True).known == days


def test_what_is_kept_is_bounded_and_what_was_left_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "VALUES", 5)
    monkeypatch.setattr(file, "VALUES", 5)
    path, out = log(tmp_path / "a.log", [event(user=f"u{n}") for n in range(8)]), tmp_path / "known.json"
    told = irkit("audit", "baseline", path, "--known", out).stderr
    assert "new-user: at most 5 values are kept; 3 were left out" in told
    assert load(out).left_out == {"new-user": 3}


def test_the_commands(tmp_path: Path, days: Known) -> None:
    path, out = log(tmp_path / "now.log", [event(user="eve"), event(user=SHOP)]), tmp_path / "new.json"
    told = irkit("audit", "detect", path, "--known", tmp_path / "known.json").stdout
    assert "medium: An identity that the baseline does not know [new-user, T1078]" in told
    irkit("audit", "baseline", path, "--known", out)
    assert json.loads(out.read_text())["values"]["new-user"] == ["eve", SHOP]
    assert "exists" in irkit("audit", "baseline", path, "--known", out, code=2).stderr
    assert "needs --known" in irkit("audit", "detect", path, "--rule", "new-user", code=2).output
    only = irkit("audit", "detect", path, "--rule", "new-user", "--known", tmp_path / "known.json", "-o", "json").stdout
    assert {one["rule"] for one in json.loads(only)["findings"]} == {"new-user"}


@pytest.mark.parametrize(
    "content", ["", "[]", '{"values": 1}', "\x00", '{"sources": [], "events": 1, "values": {}, "x": 1}']
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(UsageError, match="is not what ordinary days knew"):
        load(tmp_path / "x.json")
    with pytest.raises(UsageError, match="cannot read"):
        load(tmp_path / "absent.json")


def test_a_log_that_breaks_off_is_a_gap_said_once(tmp_path: Path, days: Known) -> None:
    path = log(tmp_path / "audit.log.gz", [event(user=f"u{n}", seconds=n) for n in range(5000)])
    path.write_bytes(path.read_bytes()[:-20])
    found = detect([str(path)], days=days)
    assert [gap.reason for gap in found.coverage.gaps] == [GapReason.TRUNCATED]
    assert learn([str(path)], knowing=True).known
