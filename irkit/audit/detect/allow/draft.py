"""A learned allow-list as YAML that a person reads line by line: every entry under what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator

from irkit.audit.detect.allow.entries import ANY
from irkit.audit.detect.allow.learn import Baseline, Habit
from irkit.text import safe

_HEAD = """\
# Learned by `irkit audit baseline` from {sources}: {events} events, {span}.
#
# This is what would have been findings there. If an intruder was at work in those days, his habits stand here too.
# Read every entry. Delete what should be a finding; for what stays, write the reason and take `learned: true` away.
# `irkit audit detect --allow` counts what entries that nobody has reviewed let pass.
"""
_GRAVE = """\
#
# Critical, and never learned. Take the comment marks away only from what you know:
"""


def draft(baseline: Baseline) -> str:
    """The file: YAML that `--allow` takes as it is."""
    coverage = baseline.coverage
    days = f"{coverage.first:%Y-%m-%d} to {coverage.last:%Y-%m-%d}" if coverage.first and coverage.last else "no time"
    head = _HEAD.format(sources=_comment(", ".join(coverage.sources)), events=baseline.events, span=days)
    learned = [line for habit in baseline.learned for line in _entry(habit)] or ["[]"]
    grave = [line if line.startswith("#") else f"# {line}" for habit in baseline.grave for line in _entry(habit)]
    return head + "\n".join(learned) + "\n" + (_GRAVE + "\n".join(grave) + "\n" if grave else "")


def _entry(habit: Habit) -> Iterator[str]:
    entry = habit.entry
    yield _comment(f"# {habit.severity}, {habit.times} events, such as: {habit.example}")
    yield f"- reason: {_scalar(entry.reason)}"
    for key in ("rules", "users", "namespaces", "names"):
        if (patterns := getattr(entry, key)) != ANY:
            yield f"  {key}: [{', '.join(map(_scalar, patterns))}]"
    yield "  learned: true"


def _comment(text: str) -> str:
    """Nothing in it can end the comment's line."""
    return safe(text)


def _scalar(text: str) -> str:
    """`text` between double quotes, as YAML and JSON both read it; pairs of surrogates are JSON's alone."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if " " <= char <= "~" else _escape(ord(char)) for char in quoted)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
