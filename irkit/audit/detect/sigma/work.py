"""One unit of work for Sigma rules: a piece of a log in, what they saw out."""

from __future__ import annotations

from dataclasses import dataclass

from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.sigma.load import Sigma
from irkit.audit.detect.work import Watched
from irkit.audit.filter.evaluate import holds
from irkit.audit.read.blocks import blocks
from irkit.audit.read.event import decode, whole
from irkit.audit.read.scan import Piece
from irkit.audit.read.unpack import Torn
from irkit.audit.read.window import Window


@dataclass(frozen=True, slots=True)
class SigmaWatch:
    """The work. A rule whose verdict hangs on a body that was not logged is blind there, as ours are."""

    rules: tuple[Sigma, ...]
    allow: Allow
    window: Window

    def __call__(self, piece: Piece) -> Watched:
        """Read one piece; a source that breaks off is told by the pass of our own rules."""
        watched = Watched()
        try:
            for block in blocks(piece.source, piece.start, piece.end):
                for _, line in block.lines():
                    self._judge(line, watched)
        except (Torn, OSError) as error:
            watched.torn = str(error)
        return watched

    def _judge(self, line: bytes, watched: Watched) -> None:
        event, raw = decode(line), whole(line)
        if event is None or event.stage == "RequestReceived" or not self.window.holds(event.written):
            return
        for one in self.rules:
            verdict = holds(one.tree, raw)
            if verdict is None:
                watched.blind[one.id] += 1
            elif verdict:
                watched.enter(one.rule, event, one.title, self.allow)
