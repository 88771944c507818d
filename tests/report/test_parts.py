"""Figures, Markdown escapes, grouping, axis and advice."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from irkit.model.evidence import Gap, GapReason
from irkit.model.run import Moment
from irkit.report import figures, markdown
from irkit.report.story.advice import LIMIT, advice
from irkit.report.story.axis import Axis
from irkit.report.story.chart import chart
from irkit.report.story.grouping import lines
from irkit.report.story.words import REASONS, STATUSES, VERDICTS
from irkit.text import safe
from tests.report import records


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_118_204, "4.1 MB"), (999_990, "1.0 MB"), (2**62, "4,611.7 PB")],
)
def test_sizes(number: int, shown: str) -> None:
    assert figures.size(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3, "0.0 s"),
        (1.24, "1.2 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (3610, "1 h"),
        (86400 * 3 + 3600 * 4 + 5, "3 d 4 h"),
    ],
)
def test_spans(seconds: float, shown: str) -> None:
    assert figures.span(seconds) == shown


def test_counts_agree_with_their_nouns() -> None:
    assert [figures.many(n, "entry", "entries") for n in (0, 1, 1204)] == ["0 entries", "1 entry", "1,204 entries"]


def test_every_word_of_a_closed_set_has_its_words() -> None:
    assert set(REASONS) == set(type(next(iter(REASONS))))
    assert set(STATUSES) == set(type(next(iter(STATUSES))))
    assert set(VERDICTS) == set(type(next(iter(VERDICTS))))


@given(st.text())
def test_prose_in_markdown_is_only_text(text: str) -> None:
    shown = markdown.prose(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*\[\]]", shown)
    assert not re.match(r"\s*([-+=#]|\d+[.)](\s|$))", shown)
    assert "://" not in shown


@given(st.text("`|a \n\\", min_size=1))
def test_code_spans_and_fences_are_longer_than_what_they_hold(text: str) -> None:
    span = markdown.code(text)
    if not safe(text).strip():
        assert span == ""
        return
    ticks = re.match("`+", span)
    assert ticks
    inner = span[len(ticks[0]) : -len(ticks[0])]
    assert ticks[0] not in inner
    assert not re.search(r"(?<!\\)\|", inner)
    opening, *body, closing = markdown.fence(text).split("\n")
    assert opening.rstrip("tex") == closing
    assert closing not in "\n".join(body)


def moment(second: float, what: str = "watch", severity: str = "info", source: str = "audit") -> Moment:
    return Moment(records.at(second), source, "a", what, severity)


def test_a_burst_is_one_line_even_when_others_come_between() -> None:
    told = lines([moment(n, "watch" if n % 2 else "list") for n in range(1000)])
    assert [(line.moment.what, line.count) for line in told.rows] == [("list", 500), ("watch", 500)]
    assert told.rows[0].times == "500 times until 03:18:49"


def test_a_silence_begins_a_new_line() -> None:
    told = lines([moment(0), moment(10), moment(10_000)])
    assert [line.count for line in told.rows] == [2, 1]


def test_bursts_are_joined_before_anything_is_left_out() -> None:
    told = lines([moment(n * 1000) for n in range(50)], limit=10)
    assert [line.count for line in told.rows] == [50]
    assert told.left_out == 0


def test_the_mildest_are_left_out_and_counted() -> None:
    flood = [moment(n, f"w{n}") for n in range(100)]
    told = lines([*flood, moment(50.5, "exec", "high"), moment(60.5, "step", "info", "irkit")], limit=3)
    assert [line.moment.what for line in told.rows] == ["w0", "exec", "step"]
    assert (told.total, told.left_out) == (102, 99)


def test_key_moments_are_the_gravest_numbered_by_time() -> None:
    mild = [moment(n, f"m{n}", "medium") for n in range(20)]
    told = lines([*mild, moment(30, "exec", "high"), moment(31, "x", "critical"), moment(32, "?", "splendid")])
    assert [(line.number, line.moment.what) for line in told.key][-2:] == [(7, "exec"), (8, "x")]
    assert [line.number for line in told.key] == list(range(1, 9))


@example([datetime.min, datetime.max])  # noqa: DTZ901
@given(st.lists(st.datetimes(), min_size=1, max_size=60))
def test_the_axis_keeps_order_and_stays_in_the_picture(naive: list[datetime]) -> None:
    instants = sorted(at.replace(tzinfo=UTC) for at in naive)
    axis = Axis.over(instants, 90, 980)
    places = [axis.x(at) for at in instants]
    assert all(sooner <= later + 1e-6 for sooner, later in zip(places, places[1:], strict=False))
    assert all(90 - 1e-6 <= x <= 980 + 1e-6 for x in places)
    ticks = list(axis.ticks())
    assert ticks
    assert all(later.x - sooner.x >= 65 for sooner, later in zip(ticks, ticks[1:], strict=False))
    assert len(axis.cuts) <= 5


def test_a_week_of_silence_is_cut_and_said() -> None:
    axis = Axis.over([records.at(0), records.at(86400 * 7), records.at(86400 * 7 + 600)], 0, 1000)
    assert [cut.length for cut in axis.cuts] == ["7 d"]
    assert axis.x(records.at(86400 * 7 + 300)) > 100


def test_the_chart_has_a_lane_per_source_and_one_for_the_rest() -> None:
    made = [moment(0), moment(1, source="irkit"), moment(2, source="<b>"), moment(3, source="zzz", severity="critical")]
    drawn = chart(replace(records.incident(), timeline=tuple(made)), lines(made).key)
    assert drawn
    assert [lane.name for lane in drawn.lanes] == ["API audit", "irkit", "Other"]
    assert drawn.severities == ("info", "critical")
    assert drawn.height > drawn.floor


def test_numbers_that_would_touch_are_one_label() -> None:
    made = [moment(n / 100, f"exec {n}", "high") for n in range(3)]
    made += [
        moment(3_000, "x", "medium"),
        moment(3_005, "y", "medium", "pod"),
        moment(3_010, "z", "medium"),
        moment(4_000),
    ]
    drawn = chart(replace(records.incident(), timeline=tuple(made)), lines(made).key)
    assert drawn
    assert [[(label.text, label.severity) for label in lane.labels] for lane in drawn.lanes] == [
        [("1–3", "high"), ("4, 6", "medium")],
        [("5", "medium")],
    ]


def test_one_remedy_is_one_piece_of_advice() -> None:
    gaps = tuple(Gap("logs", f"log of c{n}", GapReason.DENIED, "403", "grant get on pods/log") for n in range(5))
    told = advice(replace(records.incident(), gaps=gaps))
    assert [item.why for item in told if item.do == "Grant get on pods/log."] == [
        "Missing: log of c0, log of c1 and 3 more."
    ]


def test_advice_is_bounded_and_its_commands_are_one_word_each() -> None:
    told = advice(records.hostile())
    assert len(told) <= LIMIT
    evil = advice(replace(records.cut_off(), id="x; rm -rf /\x1b"))
    assert evil[0].command == "irkit run resume 'x; rm -rf /\\x1b'"


def test_the_shortest_timeline_can_be_drawn() -> None:
    record = replace(records.bare(), timeline=(moment(0),))
    drawn = chart(record, ())
    assert drawn
    assert timedelta(0) == records.at(0) - record.started
    assert len(drawn.lanes[0].marks) == 1
