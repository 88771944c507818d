"""Spans out, tokens in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from irkit.bundle.redact.detect.span import Span
from irkit.bundle.redact.detect.windows import Window
from irkit.bundle.redact.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Replaced:
    """One secret hidden: never what it was.

    `offset` is where it stood in the original, in bytes; `at_most` its length rounded up to a power of two; `pointer`
    its place in a document (RFC 6901), "" in a log.
    """

    path: str
    offset: int
    at_most: int
    rule: str
    token: str
    pointer: str = ""


Note = Callable[[Replaced], None]


class Rewriter:
    """One file on its way through. Spans that overlap become one token, that of the first: nothing of them stays."""

    def __init__(self, path: str, tokens: Tokens, note: Note) -> None:
        self._path, self._tokens, self._note = path, tokens, note
        self._passed = 0  # bytes of the original that are written or hidden
        self._hidden = 0  # where the last span ended
        self._last = b""
        self._more: re.Pattern[bytes] | None = None

    @property
    def hidden(self) -> int:
        """Where, in the original, the last hidden secret ended."""
        return self._hidden

    def run(self, window: Window, spans: Iterable[Span]) -> Iterator[bytes]:
        """The text that `window` answers for, with `spans` (by place) replaced."""
        self._swallow(window)
        for span in spans:
            if window.since <= span.start < window.until:
                yield from self._replace(window, span)
        end = window.base + window.until
        if self._passed < end:
            yield window.data[self._passed - window.base : window.until]
            self._passed = end

    def _replace(self, window: Window, span: Span) -> Iterator[bytes]:
        start, end = window.base + span.start, window.base + span.end
        token = self._tokens.of(window.data[span.start : span.end] if span.secret is None else span.secret)
        fresh = start > self._hidden or (start == self._hidden and token != self._last) or not self._last
        if start >= self._passed and fresh:
            yield window.data[self._passed - window.base : span.start]
            yield span.quote + token + span.quote
            self._noted(start, span, token)
            self._last = token
        if end > self._hidden:
            self._passed = max(self._passed, end)
            self._hidden, self._more = end, span.more
            self._swallow(window)

    def _noted(self, start: int, span: Span, token: bytes) -> None:
        at_most = 1 << max(0, span.end - span.start - 1).bit_length()
        self._note(Replaced(self._path, start, at_most, span.rule, token.decode(), span.pointer))

    def _swallow(self, window: Window) -> None:
        """Hide what goes on after a secret that was cut."""
        at = self._hidden - window.base
        hit = self._more.match(window.data, at) if self._more and at >= 0 else None
        if hit:
            self._hidden = window.base + hit.end()
            self._passed = max(self._passed, self._hidden)
            if hit.end() < len(window.data):
                self._more = None
