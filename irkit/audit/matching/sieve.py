"""Very many texts looked for in one pass: the time does not grow with their number, as that of a pass each does."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator

import hyperscan

from irkit.audit.read.blocks import LINE, Block

_MINE = threading.local()


class Sieve:
    """Texts that Hyperscan looks for together. Not for two threads at once: its scratch memory is one's own."""

    def __init__(self, needles: tuple[bytes, ...]) -> None:
        self.needles = needles
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=list(needles), ids=list(range(len(needles))), flags=[0] * len(needles), literal=True
        )

    def hits(self, block: Block) -> Iterator[tuple[int, bytes, set[int]]]:
        """The lines of a block that hold any of the texts, in order: offset, line, and the numbers of the texts."""
        text = block.data[block.start : block.end]
        lines = _Lines(text)
        self._database.scan(text, match_event_handler=lambda number, _, to, *__: lines.enter(to, number))
        for first, stop, numbers in zip(lines.first, lines.stop, lines.numbers, strict=True):
            yield block.base + block.start + first, text[first : min(stop, first + LINE)], numbers


class _Lines:
    """The lines that hold something: one that holds it a million times is one, and its ends are sought once."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.first: list[int] = []
        self.stop: list[int] = []
        self.numbers: list[set[int]] = []

    def enter(self, end: int, number: int) -> None:
        """The text of that number ends there; Hyperscan does not promise the order."""
        at = bisect_left(self.first, end) - 1
        if at < 0 or self.stop[at] < end:
            first = self._text.rfind(b"\n", self.stop[at] if at >= 0 else 0, end) + 1
            stop = self._text.find(b"\n", end)
            at += 1
            self.first.insert(at, first)
            self.stop.insert(at, stop if stop >= 0 else len(self._text))
            self.numbers.insert(at, set())
        self.numbers[at].add(number)


def sieve(needles: tuple[bytes, ...]) -> Sieve:
    """The sieve for these texts: it takes a moment to compile, so a thread keeps the one that it had last."""
    last: Sieve | None = getattr(_MINE, "sieve", None)
    if last is None or last.needles != needles:
        last = _MINE.sieve = Sieve(needles)
    return last
