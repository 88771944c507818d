"""One unit of work of a detection: a piece of a log in, what the rules saw out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.bodies import logged
from irkit.audit.detect.heads import Head, Rules, all_heads, apart, one_head, questions
from irkit.audit.detect.kept.glance import SUBJECTS, Use, Whom
from irkit.audit.detect.kept.tally import Tally
from irkit.audit.detect.rule import Rule
from irkit.audit.read.blocks import Block, blocks
from irkit.audit.read.event import Event, decode
from irkit.audit.read.scan import Piece, reach
from irkit.audit.read.unpack import Torn
from irkit.audit.read.window import Window


@dataclass(slots=True)
class Watched:
    """What one piece held."""

    tally: Tally = field(default_factory=Tally)
    malformed: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    blind: Counter[str] = field(default_factory=Counter)  # by rule: events it should have judged by a body not logged
    allowed: Counter[str] = field(default_factory=Counter)  # by rule: what the allow-list let pass
    unreviewed: Counter[str] = field(default_factory=Counter)  # of those: let pass by what nobody has reviewed
    first: datetime | None = None  # None: no event that bears a time
    last: datetime | None = None
    torn: str = ""  # why the rest of the source could not be read; "" when it could
    remedy: str = ""  # against that; "": the one for a file that breaks off

    @property
    def events(self) -> int:
        """Well-formed events."""
        return sum(self.levels.values())

    def mistaken(self, level: str) -> None:
        """Take back that an event of this level was met: only its head was one."""
        self.levels[level] -= 1
        self.malformed += 1

    def enter(self, rule: Rule, event: Event, told: str, allow: Allow) -> None:
        """Take up that `rule` fired on `event`, unless `allow` excuses it."""
        if not self.excused(rule, event, allow):
            self.tally.take(rule, event, told)

    def excused(self, rule: Rule, event: Event, allow: Allow) -> bool:
        """Whether `allow` lets `event` pass under `rule`; what it lets pass is counted."""
        excuse = allow.excuse(rule, event)
        if excuse:
            self.allowed[rule.id] += 1
            self.unreviewed[rule.id] += excuse.learned
        return excuse is not None


@dataclass(frozen=True, slots=True)
class Watch:
    """The work: small and picklable, so that any process may do it."""

    allow: Allow
    window: Window
    only: frozenset[str] = frozenset()  # ids of the rules that judge; empty: all do
    suspects: frozenset[Whom] | None = None  # whom the rules judge that count what heads show; None: everybody
    # What this process noted for every rule, in whichever piece of this pass: nothing more is to be learned of it.
    settled: set[Use] = field(default_factory=set, init=False, repr=False, compare=False)

    def __call__(self, piece: Piece) -> Watched:
        """Read one piece; a source that breaks off is part of the answer."""
        watched = Watched()
        try:
            for block in blocks(piece.source, piece.start, piece.end):
                self.read(block, watched)
        except (Torn, OSError) as error:
            watched.torn = str(error)
        return watched

    def read(self, block: Block, watched: Watched) -> None:
        """Judge every line of a block: at once, where each holds one event."""
        if heads := all_heads(block):
            watched.levels.update([head.level for head in heads])
            questioned = questions(heads, self.settled)
            asked = ((place, self._readers(rules, heads[place], watched)) for place, rules in questioned)
            if reading := [(place, rules) for place, rules in asked if rules]:
                lines = apart(block)
                for place, rules in reading:
                    self._judge(bytes(lines[place]), heads[place], rules, watched)
        else:
            for _, line in block.lines():
                self.line(line, watched)
        reach(watched, block)

    def line(self, line: bytes, watched: Watched) -> None:
        """Judge one line."""
        head = one_head(line)
        if head is None:
            watched.malformed += 1
            return
        watched.levels[head.level] += 1
        for _, rules in questions([head]):
            if rules := self._readers(rules, head, watched):
                self._judge(line, head, rules, watched)

    def _readers(self, rules: Rules, head: Head, watched: Watched) -> Rules:
        """Those of `rules` that judge, and have to read the event whole."""
        return tuple(rule for rule in rules if self._reads(rule, head, watched))

    def _reads(self, rule: Rule, head: Head, watched: Watched) -> bool:
        if self.only and rule.id not in self.only:
            return False
        if rule.count is None or rule.count.shown is None:
            return True
        subject, thing = rule.count.shown(head)
        whom = (rule.id, subject)
        if self.suspects is not None and whom not in self.suspects:
            watched.tally.glance.note(whom, thing)
            if not self.suspects and len(self.settled) < SUBJECTS:
                self.settled.add(head.use)
            return False
        plain = self.window.open and not self.allow.entries  # else it depends on the event whether it counts
        return not (plain and watched.tally.again(whom, thing))

    def _judge(self, line: bytes, head: Head, rules: Rules, watched: Watched) -> None:
        event = decode(line)
        if event is None:
            watched.mistaken(head.level)
            return
        if not (self.window.open or self.window.holds(event.written)):
            return
        for rule in rules:
            if rule.body and not (logged(event) or event.refused):
                watched.blind[rule.id] += 1
            if told := rule.fires(event):
                watched.enter(rule, event, told, self.allow)
