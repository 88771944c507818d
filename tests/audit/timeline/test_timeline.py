from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from irkit.audit.read import scan
from irkit.audit.timeline import groups
from irkit.audit.timeline.line import Kind, Line
from irkit.audit.timeline.timeline import Timeline, timeline
from irkit.model.audit import Severity
from irkit.model.evidence import GapReason
from tests.audit.detect.cases import binding, denied
from tests.audit.logs import START, TARGET, UID, Event, event, log

CONTROLLER = "system:serviceaccount:kube-system:generic-garbage-collector"


def of(path: Path, events: list[Event | bytes], *more: Any, **flags: Any) -> Timeline:  # noqa: ANN401
    return timeline([str(log(path / "audit.log", events))], *more, **flags)


def watches(count: int, every: float = 540) -> list[Event | bytes]:
    """Each begins when the one before ends; the log has both stages of each."""
    found: list[Event | bytes] = []
    for number in range(count):
        one = event("watch", "configmaps", "", "", user=CONTROLLER, seconds=every * number)
        found += [one | {"stage": "RequestReceived"}, one | {"stage": "ResponseStarted"}, one]
    return found


def requests(told: Timeline) -> list[Line]:
    return [line for line in told.lines if line.kind is Kind.REQUEST]


def test_a_thousand_identical_watches_are_one_line(tmp_path: Path) -> None:
    (line,) = of(tmp_path, watches(1000)).lines
    assert (line.count, line.actor, line.what) == (1000, CONTROLLER, "watch configmaps, 200")
    assert (line.at, line.until) == (START, START + timedelta(seconds=540 * 999))
    assert len(line.audit_ids) == groups.IDS
    assert line.source.startswith(f"{tmp_path}/audit.log:")


def test_what_differs_in_anything_a_reader_asks_about_is_a_line_of_its_own(tmp_path: Path) -> None:
    one = event("get", "secrets", "db")
    others = [
        event("get", "secrets", "db", user="bob"),
        event("get", "secrets", "db", code=403),
        event("get", "secrets", "db2"),
        event("get", "secrets", "db", "shop"),
        event("delete", "secrets", "db"),
        one | {"sourceIPs": ["10.0.0.9", "6.6.6.6"]},
        one | {"impersonatedUser": {"username": "root"}},
        event(sub="exec", code=101, requestURI="/exec?command=id"),
        event(sub="exec", code=101, requestURI="/exec?command=sh"),
        event(sub="exec", code=101, requestURI="/exec?command=%zz&%[=;"),
    ]
    assert len(requests(of(tmp_path, [one, one | {"auditID": "again", "userAgent": "curl"}, *others]))) == 1 + len(
        others
    )


def test_after_an_hour_without_it_the_same_is_told_again(tmp_path: Path) -> None:
    lines = of(tmp_path, [event(seconds=0), event(seconds=3599), event(seconds=9000)]).lines
    assert [(line.count, line.at) for line in lines] == [(2, START), (1, START + timedelta(seconds=9000))]


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_ends_of_time_are_times(tmp_path: Path, end: str) -> None:
    odd = event() | {"requestReceivedTimestamp": end, "stageTimestamp": end}
    assert len(requests(of(tmp_path, [event(), odd]))) == 2


def test_findings_stand_behind_the_request_they_are_about(tmp_path: Path) -> None:
    told = of(tmp_path, [event(sub="exec", code=101), binding("cluster-admin", seconds=20), event("list", "pods", "")])
    assert [(line.kind, line.rule) for line in told.lines] == [
        (Kind.REQUEST, ""),
        (Kind.REQUEST, ""),
        (Kind.FINDING, "exec-into-pod"),
        (Kind.REQUEST, ""),
        (Kind.FINDING, "cluster-admin-binding"),
    ]
    last = told.lines[-1]
    assert (last.severity, last.technique, last.name) == (Severity.CRITICAL, "T1098.006", "b")
    assert last.target == "clusterrolebindings b"


def test_many_pieces_in_many_processes_tell_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = [*watches(60), *(denied(number) for number in range(50)), event(sub="exec", code=101)]
    events: list[Event | bytes] = list(mixed)
    events.sort(key=lambda one: str(one["stageTimestamp"]) if isinstance(one, dict) else "")
    whole = of(tmp_path, events)
    monkeypatch.setattr(scan, "PIECE", 10_007)
    monkeypatch.setattr(scan, "WORTH", 0)
    assert of(tmp_path, events) == whole
    assert whole.lines[-1].at <= START + timedelta(seconds=540 * 59)


def test_logs_of_several_servers_are_one_order(tmp_path: Path) -> None:
    for number in (0, 1):
        log(tmp_path / f"audit-{number}.log", watches(20)[number * 3 :: 6])
    told = timeline([str(tmp_path)])
    assert [line.at for line in told.lines] == sorted(line.at for line in told.lines)
    assert len(told.sources) == 2


def test_what_concerns_one_pod_with_its_tier(tmp_path: Path) -> None:
    events = [event("get", "pods", "web-1", uid=UID), event("get", sub="exec", code=101), event("get", name="other")]
    told = of(tmp_path, [*events, binding("cluster-admin")], TARGET)
    assert [(line.kind, line.tier) for line in told.lines] == [(Kind.REQUEST, 1), (Kind.REQUEST, 2), (Kind.FINDING, 0)]
    assert told.lines[0].reason
    assert told.events == 4


def test_what_passes_a_filter(tmp_path: Path) -> None:
    told = of(tmp_path, [event(user="bob"), event(sub="exec", code=101), *watches(3)], where="user = bob")
    assert [line.actor for line in told.lines] == ["bob"]
    assert requests(told)[0].tier == 0


def test_a_window_and_what_could_not_be_read(tmp_path: Path) -> None:
    events = [*watches(10), b"torn\n", event() | {"requestReceivedTimestamp": "", "stageTimestamp": ""}]
    told = of(tmp_path, events, since=START + timedelta(minutes=30), until=START + timedelta(minutes=60))
    assert told.lines[0].count == 3
    assert (told.malformed, told.untimed) == (1, 1)
    assert [gap.reason for gap in timeline([str(tmp_path / "none.log")]).gaps] == [GapReason.ABSENT]


def test_memory_is_bounded_and_what_was_dropped_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LINES", 20)
    told = of(tmp_path, [event(name=f"web-{number}") for number in range(50)])
    assert (len(told.lines), told.dropped) == (20, 30)


def test_a_cut_gzip_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log.gz", watches(3000))
    path.write_bytes(path.read_bytes()[:-20])
    told = timeline([str(path)])
    assert told.lines[0].count > 1000
    assert [gap.reason for gap in told.gaps] == [GapReason.TRUNCATED]
