"""What a log lets each detection see: told from the requests that stand in it, with their bodies or without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import msgspec

from irkit.audit.detect.bodies import logged
from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Rule
from irkit.audit.policy.coverage.asks import needed
from irkit.audit.policy.coverage.worst import worst
from irkit.audit.policy.nouns import Level, Stage
from irkit.audit.read.blocks import blocks
from irkit.audit.read.event import Event, decode
from irkit.audit.read.look import torn
from irkit.audit.read.remote.place import Door, default_door
from irkit.audit.read.scan import Piece, Share, pieces, spread
from irkit.audit.read.sources import Sources
from irkit.audit.read.unpack import Torn
from irkit.audit.read.window import Window
from irkit.model.evidence import Gap

Kind = tuple[str, str, str]  # rule, verb, resource with subresource ("" for a plain path)
LEVELS = frozenset(Level)  # an event may say anything else of itself


@dataclass(slots=True)
class Counted:
    """What one piece of a log, or all of them, held; requests by rule, verb and resource."""

    events: int = 0
    malformed: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    lit: Counter[Kind] = field(default_factory=Counter)  # written with all that the rule judges by
    unlit: Counter[Kind] = field(default_factory=Counter)  # that could have been the attack, written without its body
    begun: Counter[Kind] = field(default_factory=Counter)  # events of stage RequestReceived, by which none judges
    gaps: list[Gap] = field(default_factory=list)

    def add(self, other: Counted) -> None:
        """Take up what another process has counted."""
        self.events += other.events
        self.malformed += other.malformed
        for mine, more in ((self.lit, other.lit), (self.unlit, other.unlit), (self.begun, other.begun)):
            mine.update(more)
        self.levels.update(other.levels)
        self.gaps += other.gaps


def count(named: Sequence[str], door: Door = default_door, share: Share = spread) -> Counted:
    """What the logs behind `named` (files, folders, globs, URLs, "-") hold; what cannot be read is a gap."""
    sources, total = Sources(named, door=door), Counted()
    try:
        total.gaps += sources.gaps
        units = [piece for source in sources.readable for piece in pieces(source, *Window().within(source))]
        for counted in share(_count, units):
            total.add(counted)
    finally:
        sources.close()
    return total


def _count(piece: Piece) -> Counted:
    counted = Counted()
    try:
        for block in blocks(piece.source, piece.start, piece.end):
            for _, line in block.lines():
                _line(line, counted)
    except (Torn, OSError) as error:
        counted.gaps.append(torn(piece.source, str(error)))
    return counted


def _line(line: bytes, counted: Counted) -> None:
    event = decode(line)
    if event is None:
        counted.malformed += 1
        return
    counted.events += 1
    counted.levels[event.level if event.level in LEVELS else "other"] += 1
    for rule, kind in _asked(event):
        into = counted.begun if event.stage == Stage.RECEIVED else _lit(rule, kind, event, counted)
        if into is not None:
            into[kind] += 1


def _lit(rule: Rule, kind: Kind, event: Event, counted: Counted) -> Counter[Kind] | None:
    """Where to count an event; None for one without a body that could not have been the attack with any."""
    if needed(rule.id).get(kind[1:], Level.METADATA) is Level.METADATA or logged(event):
        return counted.lit
    return (
        counted.unlit if rule.fires(msgspec.structs.replace(event, requestObject=worst(event.ref.resource))) else None
    )


@cache
def _by_kind() -> dict[tuple[str, str], list[tuple[Rule, Kind]]]:
    """Verb and resource to the rules that ask about them."""
    table: dict[tuple[str, str], list[tuple[Rule, Kind]]] = {}
    for rule in RULES:
        for verb, kind in needed(rule.id) if rule.gate is None else ():
            table.setdefault((verb, kind), []).append((rule, (rule.id, verb, kind)))
    return table


def _asked(event: Event) -> Iterator[tuple[Rule, Kind]]:
    yield from _by_kind().get((event.verb, event.ref.kind), ())
    for rule in _GATED:
        if rule.gate and rule.gate.passes(event):
            yield rule, (rule.id, "", "")


_GATED = tuple(rule for rule in RULES if rule.gate)
