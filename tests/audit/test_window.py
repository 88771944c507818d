from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from irkit.audit.read import window
from irkit.audit.read.sources import Sources
from irkit.audit.read.window import Window
from irkit.audit.search import search
from irkit.errors import UsageError
from irkit.times import parse_or_age
from tests.audit.logs import START, TARGET, event, log

LOG = [event(seconds=60 * minute) for minute in range(600)]


def moment(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "STEP", 4096)


@pytest.mark.parametrize(
    ("since", "until"), [(100, 110), (None, 50), (590, None), (300.5, 300.5), (-50, -10), (900, 999)]
)
def test_only_the_window_is_read_and_all_of_it(tmp_path: Path, since: float | None, until: float | None) -> None:
    path = log(tmp_path / "audit.log", [*LOG[:300], b"torn\n", *LOG[300:]])
    bounds = Window(*(None if edge is None else moment(edge) for edge in (since, until)))
    looking = search([str(path)], TARGET, since=bounds.since, until=bounds.until)
    found = [match.event for match in looking]
    assert found == [one for one in LOG if bounds.holds(datetime.fromisoformat(one["stageTimestamp"]))]
    assert looking.summary().events < len(found) + 30


def test_a_log_out_of_order_is_read_whole(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [*LOG[300:], *LOG[:300]])
    looking = search([str(path)], TARGET, since=moment(100), until=moment(110))
    assert len(list(looking)) == 10
    assert looking.summary().events == 600


def test_what_cannot_be_cut_is_read_whole(tmp_path: Path) -> None:
    source = Sources([str(log(tmp_path / "audit.log.gz", LOG))]).readable[0]
    assert Window(moment(100), None).within(source) == (0, source.size)
    assert Window().within(source) == (0, source.size)


@pytest.mark.parametrize("name", ["audit.log", "audit.log.gz"])
def test_a_window_may_reach_to_the_ends_of_time(tmp_path: Path, name: str) -> None:
    first, last = (end.replace(tzinfo=UTC) for end in (datetime.min, datetime.max))  # noqa: DTZ901
    looking = search([str(log(tmp_path / name, LOG))], TARGET, since=first, until=last)
    assert len(list(looking)) == 600


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UsageError, match=r"ends before it begins: from 2026-11-23T03:02:00\.000000Z"):
        Window(moment(2), moment(1))


@pytest.mark.parametrize("age", ["999999999d", "4000000d"])
def test_an_age_before_the_year_1_is_no_time(age: str) -> None:
    with pytest.raises(ValueError, match="no instant is so long ago"):
        parse_or_age(age, START)


def test_an_event_without_a_time_is_in_every_window() -> None:
    assert Window(moment(1), moment(2)).holds(None)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z"])
def test_an_instant_that_is_none_does_not_stop_the_scan(tmp_path: Path, text: str) -> None:
    odd = event() | {"requestReceivedTimestamp": text, "stageTimestamp": text}
    path = log(tmp_path / "audit.log", [odd, event(seconds=20)])
    assert len(list(search([str(path)], TARGET, since=START))) == 2
