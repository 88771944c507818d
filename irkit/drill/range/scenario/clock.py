"""Instants told from the present: `-52m10s` is that long ago."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

_OFFSET = re.compile(r"-(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?\Z")
_TOKEN = re.compile(r"@(-[\ddhms.]+)\Z")


def ago(text: str, now: datetime) -> datetime:
    """The instant that an offset such as "-2d6h" names; raises ValueError for anything else."""
    found = _OFFSET.match(text)
    if not found or text == "-":
        raise ValueError(f"not an offset: {text!r}")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return now - timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def told(value: Any, now: datetime) -> Any:  # noqa: ANN401 - JSON
    """JSON with each string "@-52m" replaced by that instant, to the second, as objects carry it."""
    if isinstance(value, dict):
        return {key: told(each, now) for key, each in value.items()}
    if isinstance(value, list):
        return [told(each, now) for each in value]
    if isinstance(value, str) and (found := _TOKEN.match(value)):
        return ago(found[1], now).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value
