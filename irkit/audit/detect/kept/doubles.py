"""Different records under one audit id: a client may set it, and whoever drops repetitions by it drops the second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from irkit.audit.detect.rules.records import RULES
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.filter.grammar import Test
from irkit.audit.haul import Haul
from irkit.audit.hunt import Hunt
from irkit.audit.read.blocks import blocks
from irkit.audit.read.event import decode
from irkit.audit.read.look import torn
from irkit.audit.read.scan import Piece, Share, pieces
from irkit.audit.read.sources import Sources
from irkit.audit.read.unpack import Torn
from irkit.audit.read.window import Window
from irkit.model.audit import Finding
from irkit.model.evidence import Gap

SMALL = 128 << 20  # bytes of a log whose ids are compared unasked: it takes as long as all rules together
RATIO = 10  # by which a packed log is smaller, about
KEPT = 1_000_000  # ids remembered, about 200 MB; of more, the latest
NAMED = 100  # ids that one finding names


@dataclass(slots=True)
class Ids:
    """The audit ids of a piece, or of all of them."""

    seen: dict[str, int] = field(default_factory=dict)  # id and stage -> checksum of the record, in order
    doubled: dict[str, None] = field(default_factory=dict)  # ids that seem to stand on different records
    compared: int = 0  # records
    evicted: int = 0  # ids forgotten for want of room: a double of theirs may have been missed
    torn: str = ""  # why the rest of the source could not be read; "" when it could
    remedy: str = ""  # against that

    def take(self, key: str, checksum: int) -> None:
        """Compare one record with what was seen before."""
        known = self.seen.setdefault(key, checksum)
        if known != checksum and len(self.doubled) < NAMED:
            self.doubled[key.rpartition(" ")[0]] = None
        if len(self.seen) > KEPT:
            del self.seen[next(iter(self.seen))]
            self.evicted += 1

    def merge(self, other: Ids) -> None:
        """Take up what another process has seen further on."""
        self.compared += other.compared
        self.evicted += other.evicted
        self.doubled = dict.fromkeys([*self.doubled, *other.doubled][:NAMED])
        for key, checksum in other.seen.items():
            self.take(key, checksum)


class Compared(NamedTuple):
    """What the comparison of all ids brought to light."""

    ids: Ids  # of all sources
    found: tuple[Finding, ...]  # one about all ids that stand on different records, or none
    passed: Watched  # what the allow-list let pass is counted here
    gaps: tuple[Gap, ...]  # what could not be read


@dataclass(frozen=True, slots=True)
class Compare:
    """The work."""

    window: Window

    def __call__(self, piece: Piece) -> Ids:
        """Read one piece; a source that breaks off is part of the answer."""
        ids = Ids()
        try:
            for block in blocks(piece.source, piece.start, piece.end):
                for _, line in block.lines():
                    event = decode(line)
                    if event is None or not self.window.holds(event.written):
                        continue
                    ids.compared += 1
                    if event.auditID:
                        ids.take(f"{event.auditID} {event.stage}", crc32(line))
        except (Torn, OSError) as error:
            ids.torn = str(error)
        return ids


def small(opened: Sources) -> bool:
    """Whether the ids of these sources are compared unasked."""
    return sum(source.size * (RATIO if source.packed else 1) for source in opened.readable) <= SMALL


def compare(opened: Sources, work: Watch, share: Share) -> Compared:
    """Compare the ids of all sources; the window and the allow-list are those of `work`."""
    window = work.window
    units = [piece for source in opened.readable for piece in pieces(source, *window.within(source))]
    total, gaps = Ids(), []
    for unit, part in zip(units, share(Compare(window), units), strict=True):
        total.merge(part)
        if part.torn:
            gaps.append(torn(unit.source, part.torn, part.remedy))
    passed = Watched()
    found = _confirmed(units, total, work, share, passed) if total.doubled else ()
    return Compared(total, found, passed, tuple(gaps))


def _confirmed(units: list[Piece], ids: Ids, work: Watch, share: Share, passed: Watched) -> tuple[Finding, ...]:
    """Checksums may lie: the records themselves are fetched and compared, but for what the allow-list excuses."""
    haul, (rule,) = Haul(), RULES
    hunt = Hunt(None, work.window, Test(("auditID",), "=", tuple(ids.doubled)))
    try:
        for unit, caught in zip(units, share(hunt, units), strict=True):
            for hit in caught.hits:
                event = decode(hit.line)
                if event is None or not passed.excused(rule, event, work.allow):
                    haul.add(unit.source.label, hit)
        return haul.collisions()
    finally:
        haul.close()
