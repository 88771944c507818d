"""Instants: RFC 3339 in UTC everywhere, never a naive datetime."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|z|[+-]\d\d:\d\d)$")
_MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)  # as the API server stamps each audit event


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(at: datetime) -> str:
    """`at` as `2026-11-23T03:00:00.123456Z`; microseconds always shown so that text order is time order."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def stamp(at: datetime) -> str:
    """`at` as `20261123T030000Z`, fit for a file name."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def parse(text: str) -> datetime:
    """The instant that an RFC 3339 text names, in UTC; digits past the microsecond are cut.

    Raises ValueError for anything else, a text without an offset included.
    """
    if _MICRO.fullmatch(text):
        return datetime.fromisoformat(text)
    found = _RFC3339.match(text)
    if not found:
        raise ValueError(f"not an RFC 3339 instant: {text!r}")
    day, clock, fraction, offset = found.groups()
    zone = "+00:00" if offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{zone}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"not an instant between the years 1 and 9999: {text!r}") from error


_SPAN = re.compile(r"(\d{1,9})([smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_span(text: str) -> timedelta:
    """The length of time that `45s`, `90m`, `36h` or `7d` says; raises ValueError."""
    found = _SPAN.match(text)
    if not found:
        raise ValueError(f"not a length of time: {text!r}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def parse_or_age(text: str, at: datetime) -> datetime:
    """What `parse` gives, or the instant an age (`45s`, `90m`, `36h`, `7d`) before `at`; raises ValueError."""
    try:
        return at - parse_span(text) if _SPAN.match(text) else parse(text)
    except OverflowError as error:
        raise ValueError(f"no instant is so long ago: {text!r}") from error
