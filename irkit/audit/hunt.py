"""One unit of work of a search: a piece of a log in, the lines asked for out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from irkit.audit.filter.evaluate import holds, required
from irkit.audit.filter.grammar import Filter
from irkit.audit.haul import Hit
from irkit.audit.matching.herd import Herd, Needles, Tracker
from irkit.audit.matching.judge import Claim
from irkit.audit.matching.life import Life
from irkit.audit.read.blocks import Block, blocks
from irkit.audit.read.event import Event, decode, whole
from irkit.audit.read.scan import Needle, Piece, census, hits, plausible, reach
from irkit.audit.read.unpack import Torn
from irkit.audit.read.window import Window
from irkit.model.audit import Tier


@dataclass(slots=True)
class Caught:
    """What one piece held."""

    hits: list[Hit] = field(default_factory=list)
    events: int = 0
    malformed: int = 0
    first: datetime | None = None  # None: no event that bears a time
    last: datetime | None = None
    unknown: int = 0  # events for which the filter hangs on a body that was not logged
    lives: dict[int, Life] = field(default_factory=dict)  # of the pods looked for, by their number
    torn: str = ""  # why the rest of the source could not be read; "" when it could
    remedy: str = ""  # against that; "": the one for a file that breaks off


_FILTERED: tuple[Claim, ...] = (Claim(0, Tier.FILTERED, "asked for"),)


@dataclass(frozen=True, slots=True)
class Hunt:
    """The work: small and picklable, so that any process may do it."""

    herd: Herd | None  # None: no pod is asked for
    window: Window
    tree: Filter | None = None  # None: no filter is asked for

    def __call__(self, piece: Piece) -> Caught:
        """Read one piece; a source that breaks off is part of the answer."""
        caught, tracker = Caught(), self.herd.tracker() if self.herd else None
        try:
            for block in blocks(piece.source, piece.start, piece.end):
                self._read(block, tracker, caught)
        except (Torn, OSError) as error:
            caught.torn = str(error)
        return caught

    def _read(self, block: Block, tracker: Tracker | None, caught: Caught) -> None:
        good, bad = census(block)
        for offset, line, texts in tracker.hits(block) if tracker else self._lines(block):
            if event := decode(line):
                claims = self._judged(event, texts, tracker, caught) if tracker else _FILTERED
                self._take(event, offset, line, claims, caught)
            elif plausible(line):
                good, bad = good - 1, bad + 1
        caught.events += good
        caught.malformed += bad
        reach(caught, block)

    def _lines(self, block: Block) -> Iterator[tuple[int, bytes, Needles]]:
        """Those that may pass the filter; every line must be parsed where it tells no text that they would hold."""
        needles = tuple(map(Needle, required(self.tree))) if self.tree else ()
        return ((offset, line, set()) for offset, line in (hits(block, needles) if needles else block.lines()))

    def _judged(self, event: Event, texts: Needles, tracker: Tracker, caught: Caught) -> tuple[Claim, ...]:
        """Whom it concerns; what it tells of their lives counts whenever it was written."""
        named = tracker.named(texts, event)
        for number, pod in named:
            caught.lives.setdefault(number, Life()).note(pod, event)
        return tracker.claims(texts, event, named) if self.window.holds(event.written) else ()

    def _take(self, event: Event, offset: int, line: bytes, claims: tuple[Claim, ...], caught: Caught) -> None:
        at = event.written
        if claims and self.window.holds(at) and self._passes(line, caught):
            words = (event.auditID, event.stage, event.level)
            caught.hits.append(Hit(offset, at, *words, line, claims, event.received))

    def _passes(self, line: bytes, caught: Caught) -> bool:
        passed = holds(self.tree, whole(line)) if self.tree else True
        caught.unknown += passed is None
        return passed is True
