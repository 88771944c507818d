"""Moments from `audit/findings.jsonl`: what the rules say about the matched events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from irkit.model.run import Moment
from irkit.report.moments.source import LARGEST, UNREADABLE, Skipped, instant

FINDINGS = "audit/findings.jsonl"


class _Finding(msgspec.Struct):
    rule: str
    severity: str = "info"
    technique: str = ""
    at: str | None = None
    actor: str = ""
    reason: str = ""


def moments(data: Path) -> Iterator[Moment | Skipped]:
    """One moment per finding, where its first event stands."""
    try:
        with (data / FINDINGS).open("rb") as file:
            while line := file.readline(LARGEST):
                if line.strip():
                    yield _moment(line)
    except FileNotFoundError:
        return
    except OSError:
        yield Skipped(FINDINGS)


def _moment(line: bytes) -> Moment | Skipped:
    try:
        found = _DECODER.decode(line)
        at = instant(found.at)
    except UNREADABLE:
        return Skipped(FINDINGS)
    if at is None or at.year >= 9999:
        return Skipped(FINDINGS, "bear no time")
    technique = f" [{found.technique}]" if found.technique else ""
    return Moment(at, "finding", found.actor, f"{found.rule}{technique}: {found.reason}", found.severity, FINDINGS)


_DECODER = msgspec.json.Decoder(_Finding)
