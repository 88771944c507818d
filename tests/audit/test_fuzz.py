"""Whatever the bytes: no exception but our own.

IRKIT_FUZZ_SECONDS says for how long, 30 unless told; 600 is what a release takes.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from irkit.audit.collect import gather
from irkit.audit.detect.allow import entries
from irkit.audit.detect.allow.draft import draft
from irkit.audit.detect.allow.learn import learn
from irkit.audit.detect.detect import detect
from irkit.audit.filter.grammar import parse
from irkit.audit.haul import REUSED
from irkit.audit.timeline import exports, ocsf
from irkit.audit.timeline.timeline import timeline
from irkit.errors import UsageError
from irkit.model.codec import compact
from tests.audit.detect.cases import ATTACKS, INNOCENT
from tests.audit.logs import TARGET, Event

SECONDS = float(os.environ.get("IRKIT_FUZZ_SECONDS", "30"))
KNOWN: list[Event] = [one for cases in (ATTACKS, INNOCENT) for logs in cases.values() for log in logs for one in log]
NASTY = [
    "",
    "*",
    "[",
    "\x00",
    "\n",
    "\u202e",
    "\ud800",
    "\U0001f600",
    "../..",
    "=1+1",
    "system:masters",
    "a" * 5000,
    "%zz",
]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(NASTY)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
stamps = st.sampled_from(
    ["2026-11-23T03:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "yesterday", "", 5]
)


def places(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Every place in a JSON document."""
    keys = found.keys() if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ()
    return [path, *(place for key in keys for place in places(found[key], (*path, key)))]


@st.composite
def bent(draw: st.DrawFn) -> Any:  # noqa: ANN401
    """An event that a rule knows, with something else in some of its places."""
    event = json.loads(json.dumps(draw(st.sampled_from(KNOWN))))
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from([place for place in places(event) if place]))
        inner = event
        for key in where[:-1]:
            inner = inner[key]
        inner[where[-1]] = draw(stamps if str(where[-1]).endswith("Timestamp") else anything)
    return event


@st.composite
def line(draw: st.DrawFn) -> bytes:
    """A line of a log: an event, a bent one, part of one, or noise."""
    data = json.dumps(draw(bent() | anything)).encode()
    match draw(st.integers(0, 5)):
        case 0:
            return draw(st.binary(max_size=200))
        case 1:
            return data[: draw(st.integers(0, len(data)))]
        case 2:
            at = draw(st.integers(0, len(data)))
            return data[:at] + draw(st.binary(max_size=3)) + data[at + 1 :]
        case _:
            return data


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file: lines, a list document, packed, cut."""
    lines = draw(st.lists(line(), max_size=8))
    data = b'{"kind":"EventList","items":[' + b",".join(lines) + b"]}" if draw(st.booleans()) else b"\n".join(lines)
    packed = gzip.compress(data, mtime=0) if draw(st.integers(0, 3)) == 0 else data
    return packed[: draw(st.integers(0, len(packed)))] if draw(st.integers(0, 3)) == 0 else packed


def for_a_while(check: Callable[[], None]) -> None:
    """Run `check`, itself hundreds of examples of a new kind each time, until the time is up."""
    until = time.monotonic() + SECONDS / 2
    while time.monotonic() < until:
        check()


EXAMPLES = settings(
    max_examples=200,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_no_log_brings_us_down() -> None:
    @EXAMPLES
    @given(files())
    def check(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "audit.log"
            path.write_bytes(data)
            compact(detect([str(path)]))
            told = timeline([str(path)])
            compact(told)
            "".join(exports.table(told.lines)).encode()
            for exported in (*exports.timesketch(told.lines), *ocsf.events(told.lines)):
                compact(exported)
            compact(gather([str(path)], TARGET, Path(folder) / "data")[0])
            baseline = learn([str(path)])
            (Path(folder) / "allow.yaml").write_text(draft(baseline), encoding="utf-8")
            allow = entries.load(Path(folder) / "allow.yaml")
            assert allow.entries == tuple(habit.entry for habit in baseline.learned)
            kept = {finding.rule for finding in detect([str(path)], allow=allow).findings}
            never = {rule for habit in baseline.grave for rule in habit.entry.rules} | {REUSED[0]}
            assert kept <= never

    for_a_while(check)


words = st.sampled_from(
    [
        "and",
        "or",
        "not",
        "(",
        ")",
        "=",
        "!=",
        "~",
        "in",
        "<",
        ">=",
        ",",
        "verb",
        "user",
        "a.b",
        '"',
        "'",
        "[",
        "1",
        "(?:",
    ]
)


@pytest.mark.slow
def test_no_filter_and_no_allow_list_brings_us_down() -> None:
    @EXAMPLES
    @given(st.lists(words | st.text(max_size=5), max_size=12).map(" ".join) | st.text(max_size=60), anything)
    def check(text: str, data: Any) -> None:  # noqa: ANN401
        for attempt in (lambda: parse(text), lambda: entries.read(data, "allow")):
            try:
                attempt()
            except UsageError as error:
                assert error.message

    for_a_while(check)
