"""One unit of work of a detection: a piece of a log in, what the rules saw out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.bodies import logged
from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Gate, Rule
from irkit.audit.detect.tally import Tally
from irkit.audit.read.blocks import LINE, Block, blocks
from irkit.audit.read.event import POD_UID, decode
from irkit.audit.read.scan import Piece, ends
from irkit.audit.read.unpack import Torn
from irkit.audit.read.window import Window


class _User(msgspec.Struct, gc=False):
    username: str = ""
    extra: dict[str, list[str]] | None = None


class _Ref(msgspec.Struct, gc=False):
    resource: str = ""
    subresource: str = ""


class _Status(msgspec.Struct, gc=False):
    code: int = 0


class Head(msgspec.Struct, gc=False):
    """The least of an event that tells whether any rule asks about it: parsing no more is what makes this fast."""

    verb: str
    level: str = ""
    stage: str = ""
    user: _User | None = None
    impersonatedUser: _User | None = None
    objectRef: _Ref | None = None
    responseStatus: _Status | None = None


_HEAD = msgspec.json.Decoder(Head)


def _table(rules: tuple[Rule, ...]) -> dict[str, dict[tuple[str, str], tuple[Rule, ...]]]:
    """Resource, then verb and subresource, to the rules that ask about them."""
    table: dict[str, dict[tuple[str, str], tuple[Rule, ...]]] = {}
    for rule in rules:
        for resource, _, sub in (name.partition("/") for name in rule.resources):
            row = table.setdefault(resource, {})
            for verb in rule.verbs:
                row[verb, sub] = (*row.get((verb, sub), ()), rule)
    return table


_BY_RESOURCE = _table(RULES)
_BY_GATE = {gate: tuple(rule for rule in RULES if rule.gate is gate) for gate in Gate}


def _asked(head: Head) -> tuple[Rule, ...]:
    """The rules that ask about an event: for nearly every event of a log, none."""
    asked: tuple[Rule, ...] = ()
    ref, user, status = head.objectRef, head.user, head.responseStatus
    if ref is not None and (row := _BY_RESOURCE.get(ref.resource)):
        asked = row.get((head.verb, ref.subresource), ())
    if status is not None and status.code == 403:
        asked += _BY_GATE[Gate.REFUSED]
    if user is not None:
        if user.username == "system:anonymous":
            asked += _BY_GATE[Gate.ANONYMOUS]
        if user.extra is not None and POD_UID in user.extra:
            asked += _BY_GATE[Gate.POD_BOUND]
    return asked if head.impersonatedUser is None else asked + _BY_GATE[Gate.IMPERSONATING]


@dataclass(slots=True)
class Watched:
    """What one piece held."""

    tally: Tally = field(default_factory=Tally)
    malformed: int = 0
    levels: dict[str, int] = field(default_factory=dict)
    blind: Counter[str] = field(default_factory=Counter)  # by rule: events it should have judged by a body not logged
    allowed: Counter[str] = field(default_factory=Counter)  # by rule: what the allow-list let pass
    unreviewed: Counter[str] = field(default_factory=Counter)  # of those: let pass by what nobody has reviewed
    first: datetime | None = None  # None: no event that bears a time
    last: datetime | None = None
    torn: str = ""  # why the rest of the source could not be read; "" when it could

    @property
    def events(self) -> int:
        """Well-formed events."""
        return sum(self.levels.values())


@dataclass(frozen=True, slots=True)
class Watch:
    """The work: small and picklable, so that any process may do it."""

    allow: Allow
    window: Window
    only: frozenset[str] = frozenset()  # ids of the rules that judge; empty: all do

    def __call__(self, piece: Piece) -> Watched:
        """Read one piece; a source that breaks off is part of the answer."""
        watched = Watched()
        try:
            for block in blocks(piece.source, piece.start, piece.end):
                self._read(block, watched)
        except (Torn, OSError) as error:
            watched.torn = str(error)
        return watched

    def _read(self, block: Block, watched: Watched) -> None:
        """One loop, nothing copied and nothing called that need not be: this is where the time goes."""
        data, at, end = block.data, block.start, block.end
        find, parse, levels = data.find, _HEAD.decode, watched.levels
        with memoryview(data) as view:
            while at < end:
                stop = find(b"\n", at, end)
                if stop < 0:
                    stop = end
                try:
                    head = parse(view[at:stop])
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    watched.malformed += bool(data[at:stop].strip())
                else:
                    levels[head.level] = levels.get(head.level, 0) + 1
                    if head.stage != "RequestReceived" and (asked := _asked(head)):
                        self._judge(data[at : min(stop, at + LINE)], asked, watched)
                at = stop + 1
        first, last = ends(block)
        watched.first, watched.last = watched.first or first, last or watched.last

    def line(self, line: bytes, watched: Watched) -> None:
        """Judge one line that somebody else has read."""
        try:
            head = _HEAD.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            watched.malformed += 1
            return
        watched.levels[head.level] = watched.levels.get(head.level, 0) + 1
        if head.stage != "RequestReceived" and (asked := _asked(head)):
            self._judge(line, asked, watched)

    def _judge(self, line: bytes, asked: tuple[Rule, ...], watched: Watched) -> None:
        event = decode(line)
        if event is None or not (self.window.open or self.window.holds(event.written)):
            return
        for rule in asked:
            if self.only and rule.id not in self.only:
                continue
            if rule.body and not (logged(event) or event.refused):
                watched.blind[rule.id] += 1
            if not (told := rule.fires(event)):
                continue
            if excuse := self.allow.excuse(rule, event):
                watched.allowed[rule.id] += 1
                watched.unreviewed[rule.id] += excuse.learned
            else:
                watched.tally.take(rule, event, told)
