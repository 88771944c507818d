"""From a place in a decoded string to the place in the bytes it was written as."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace

from irkit.bundle.redact.detect import escapes
from irkit.bundle.redact.detect.span import Span
from irkit.bundle.redact.structure.tree import Text


def outward(text: Text, spans: Iterable[Span]) -> list[Span]:
    """`spans` of the decoded string as spans of the document that holds it, with what they stand for."""
    value = text.value
    told = [_told(value, span) for span in spans]
    if not told or b"\\" not in text.raw:
        return [replace(span.moved(text.start), quote=_escaped(span.quote)) for span in told]
    inner, outer = escapes.steps(text.raw)

    def place(at: int) -> int:
        step = bisect_right(inner, at) - 1
        return text.start + outer[step] + at - inner[step]

    return [replace(span, start=place(span.start), end=place(span.end), quote=_escaped(span.quote)) for span in told]


def _told(value: bytes, span: Span) -> Span:
    """The span with what it stands for, and as long as its secret is."""
    more = span.more.match(value, span.end) if span.more else None
    end = more.end() if more else span.end
    return replace(span, end=end, secret=value[span.start : end] if span.secret is None else span.secret, more=None)


def _escaped(quote: bytes) -> bytes:
    return quote.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
