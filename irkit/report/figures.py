"""Numbers and instants as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_SIZES = ("kB", "MB", "GB", "TB", "PB")
_SPANS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def brief(text: str, limit: int = 160) -> str:
    """`text` short enough for a sentence; the whole stands elsewhere in the report."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def count(number: int) -> str:
    """`1204` as `1,204`."""
    return f"{number:,}"


def many(number: int, one: str, several: str = "") -> str:
    """`1 file`, `1,204 files`; `several` is for plurals that are not `one` and an s."""
    return f"{count(number)} {one if number == 1 else several or one + 's'}"


def size(number: int) -> str:
    """Bytes in decimal units, as disks and stores count: `812 B`, `4.2 MB`."""
    if number < 1000:
        return f"{number} B"
    scaled = float(number)
    for unit in _SIZES:
        scaled /= 1000
        if scaled < 999.95 or unit == _SIZES[-1]:
            break
    return f"{scaled:,.1f} {unit}"


def span(seconds: float) -> str:
    """A length of time in its two largest units: `4 min 10 s`, `3 d 4 h`; below ten seconds with a tenth."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    left, parts = round(seconds), []
    for length, unit in _SPANS:
        whole, left = divmod(left, length)
        if whole:
            parts.append(f"{whole} {unit}")
        if len(parts) == 2 or (parts and not whole):
            break
    return " ".join(parts)


def between(first: datetime, last: datetime) -> str:
    """How long from `first` to `last`."""
    return span((last - first) / timedelta(seconds=1))


def clock(at: datetime) -> str:
    """`03:01:12`, in UTC."""
    return at.astimezone(UTC).strftime("%H:%M:%S")


def day(at: datetime) -> str:
    """`23 November 2026`, in UTC."""
    return f"{at.astimezone(UTC).day} {at.astimezone(UTC):%B %Y}"


def instant(at: datetime) -> str:
    """`2026-11-23 03:01:12 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
