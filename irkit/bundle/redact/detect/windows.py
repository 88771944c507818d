"""A stream as overlapping windows, so that every match is seen whole in one of them, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from irkit.bundle import frames
from irkit.bundle.redact.detect.span import BEHIND

# Bytes after the last place that a window answers for: the longest span ends there, and so does a private key.
AHEAD = BEHIND


@dataclass(frozen=True, slots=True)
class Window:
    """`data` stands at `base` in the stream and answers for matches that start at `since` to `until` within it."""

    data: bytes
    base: int
    since: int
    until: int


def windows(chunks: Iterable[bytes]) -> Iterator[Window]:
    """`chunks` of any sizes as windows; where they are cut depends on the content's length alone."""
    data, base, since = b"", 0, 0
    for frame in frames.cut(chunks):
        data += frame
        until = len(data) - AHEAD
        if until <= since:
            continue
        yield Window(data, base, since, until)
        keep = max(0, until - BEHIND)
        data, base, since = data[keep:], base + keep, until - keep
    yield Window(data, base, since, len(data))
