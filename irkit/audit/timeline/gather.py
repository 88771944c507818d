"""One unit of work of a timeline: a piece of a log in, its requests out, what repeats put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from irkit.audit.read.blocks import blocks
from irkit.audit.read.event import decode
from irkit.audit.read.scan import Piece, reach
from irkit.audit.read.unpack import Torn
from irkit.audit.read.window import Window
from irkit.audit.timeline.groups import Groups


@dataclass(slots=True)
class Gathered:
    """What one piece held."""

    groups: Groups = field(default_factory=Groups)
    events: int = 0  # within the window
    malformed: int = 0
    first: datetime | None = None  # None: no event that bears a time
    last: datetime | None = None
    torn: str = ""  # why the rest of the source could not be read; "" when it could


@dataclass(frozen=True, slots=True)
class Gather:
    """The work: small and picklable, so that any process may do it."""

    window: Window

    def __call__(self, piece: Piece) -> Gathered:
        """Read one piece; a source that breaks off is part of the answer."""
        gathered = Gathered()
        try:
            for block in blocks(piece.source, piece.start, piece.end):
                for offset, line in block.lines():
                    self._take(line, str(offset), gathered)
                reach(gathered, block)
        except (Torn, OSError) as error:
            gathered.torn = str(error)
        return gathered

    def _take(self, line: bytes, place: str, gathered: Gathered) -> None:
        event = decode(line)
        if event is None:
            gathered.malformed += 1
        elif self.window.open or self.window.holds(event.written):
            gathered.events += 1
            gathered.groups.take(event, place)
