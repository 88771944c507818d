"""One unit of work of a search: a piece of a log in, the lines asked for out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from irkit.audit.filter.evaluate import holds, required
from irkit.audit.filter.grammar import Filter
from irkit.audit.haul import Hit
from irkit.audit.matching.judge import judge
from irkit.audit.matching.quarry import Quarry
from irkit.audit.matching.sure import another
from irkit.audit.read.blocks import Block, blocks
from irkit.audit.read.event import Event, decode, whole
from irkit.audit.read.scan import Piece, census, hits, plausible, reach
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
    successor: datetime | None = None  # when another pod of the same name was first made; None: not in this piece
    ended: datetime | None = None  # when the pod itself was removed; None: not in this piece
    begun: set[datetime] = field(default_factory=set)  # when the pod itself may have been made
    torn: str = ""  # why the rest of the source could not be read; "" when it could
    remedy: str = ""  # against that; "": the one for a file that breaks off


@dataclass(frozen=True, slots=True)
class Hunt:
    """The work: small and picklable, so that any process may do it."""

    quarry: Quarry | None  # None: no pod is asked for
    window: Window
    tree: Filter | None = None  # None: no filter is asked for

    @property
    def needles(self) -> tuple[bytes, ...]:
        """Texts of which any line asked for holds one; empty: every line must be parsed."""
        if self.quarry:
            return self.quarry.needles
        return required(self.tree) if self.tree else ()

    def __call__(self, piece: Piece) -> Caught:
        """Read one piece; a source that breaks off is part of the answer."""
        caught, needles = Caught(), self.needles
        try:
            for block in blocks(piece.source, piece.start, piece.end):
                self._read(block, needles, caught)
        except (Torn, OSError) as error:
            caught.torn = str(error)
        return caught

    def _read(self, block: Block, needles: tuple[bytes, ...], caught: Caught) -> None:
        good, bad = census(block)
        for offset, line in hits(block, needles) if needles else block.lines():
            if event := decode(line):
                self._take(event, offset, line, caught)
            elif plausible(line):
                good, bad = good - 1, bad + 1
        caught.events += good
        caught.malformed += bad
        reach(caught, block)

    def _take(self, event: Event, offset: int, line: bytes, caught: Caught) -> None:
        at = event.written
        if self.quarry and self.quarry.succeeded_by(event):
            caught.successor = caught.successor or at
        if self.quarry and self.quarry.ended_by(event) and not another(self.quarry, event):
            caught.ended = caught.ended or at
        if self.quarry and event.received and self.quarry.begun_by(event) and not another(self.quarry, event):
            caught.begun.add(event.received)
        if not self.window.holds(at):
            return
        verdict = judge(self.quarry, event) if self.quarry else (Tier.FILTERED, "asked for")
        if verdict and self._passes(line, caught):
            issued = self.quarry.issued(event) if self.quarry else ""
            words = (event.auditID, event.stage, event.level)
            caught.hits.append(Hit(offset, *verdict, at, *words, line, issued, event.received))

    def _passes(self, line: bytes, caught: Caught) -> bool:
        passed = holds(self.tree, whole(line)) if self.tree else True
        caught.unknown += passed is None
        return passed is True
