"""Units of work for what was first seen: a piece of a log in, its values out; or what of them is news."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.fresh.known import VALUES, Known
from irkit.audit.detect.rules.newcomers import RULES
from irkit.audit.detect.work import Watched
from irkit.audit.read.blocks import blocks
from irkit.audit.read.event import Event, decode
from irkit.audit.read.scan import Piece, Share, pieces, spread
from irkit.audit.read.sources import Sources
from irkit.audit.read.unpack import Torn
from irkit.audit.read.window import Window


@dataclass(slots=True)
class Values:
    """What a piece holds, by rule; `left_out` counts those past the limit, again wherever they come."""

    events: int = 0
    found: dict[str, dict[str, None]] = field(default_factory=lambda: {rule.id: {} for rule in RULES})
    left_out: dict[str, int] = field(default_factory=dict)

    def add(self, rule: str, values: Iterable[str]) -> None:
        """Take these up, as far as there is room."""
        kept = self.found[rule]
        for value in values:
            if value in kept or len(kept) < VALUES:
                kept[value] = None
            else:
                self.left_out[rule] = self.left_out.get(rule, 0) + 1


@dataclass(frozen=True, slots=True)
class Learn:
    """The work of the baseline. A source that breaks off is told by the pass that drafts the allow-list."""

    window: Window

    def __call__(self, piece: Piece) -> Values:
        """Read one piece."""
        values = Values()
        with suppress(Torn, OSError):
            for event in _events(piece, self.window):
                values.events += 1
                for rule in RULES:
                    if value := rule.fires(event):
                        values.add(rule.id, (value,))
        return values


@dataclass(frozen=True, slots=True)
class Fresh:
    """The work of detection: what `known` does not know goes into the tally."""

    known: Known
    allow: Allow
    window: Window
    only: frozenset[str] = frozenset()  # ids of the rules that judge; empty: all do

    def __call__(self, piece: Piece) -> Watched:
        """Read one piece; a source that breaks off is part of the answer."""
        watched = Watched()
        asked = [(rule, self.known.values.get(rule.id, frozenset())) for rule in RULES]
        asked = [(rule, values) for rule, values in asked if not self.only or rule.id in self.only]
        try:
            for event in _events(piece, self.window):
                for rule, values in asked:
                    if (value := rule.fires(event)) and value not in values:
                        watched.enter(rule, event, value, self.allow)
        except (Torn, OSError) as error:
            watched.torn = str(error)
        return watched


def _events(piece: Piece, window: Window) -> Iterator[Event]:
    for block in blocks(piece.source, piece.start, piece.end):
        for _, line in block.lines():
            event = decode(line)
            if event and event.stage != "RequestReceived" and window.holds(event.written):
                yield event


def learn(opened: Sources, window: Window, share: Share = spread) -> Known:
    """What the sources hold; what breaks off is known as far as it goes."""
    units = (piece for source in opened.readable for piece in pieces(source, *window.within(source)))
    total = Values()
    for part in share(Learn(window), units):
        total.events += part.events
        for rule, values in part.found.items():
            total.add(rule, values)
        for rule, count in part.left_out.items():
            total.left_out[rule] = total.left_out.get(rule, 0) + count
    sources = tuple(source.label for source in opened.readable)
    return Known(
        sources, total.events, {rule: frozenset(values) for rule, values in total.found.items()}, total.left_out
    )
