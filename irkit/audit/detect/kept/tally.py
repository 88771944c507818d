"""What the rules saw, put together: the same sums whichever process saw which piece, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeVar

from irkit.audit.detect.kept.chains import Chains, Deed, Pair
from irkit.audit.detect.kept.glance import Glance, Whom
from irkit.audit.detect.rule import Rule
from irkit.audit.read.event import Event
from irkit.model.audit import Finding

GROUPS = 50_000  # findings kept apart; of more, the first so many, and `dropped` says how many were not kept
LATE = 20  # places that each rule has for each actor once those are taken: no flood of one kind hides another
MOST = 2 * GROUPS  # late ones too
IDS = 10_000  # audit ids named by one finding
ITEMS = 500  # different things counted for one subject in one span
_NEVER = datetime.max.replace(tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")


First = tuple[datetime, str]  # when it came, and its audit id


class Place(NamedTuple):
    """What an allow-list would have to name to let an event pass."""

    user: str
    namespace: str
    name: str


@dataclass(slots=True)
class Seen:
    """One rule on one actor and target (or, for a counting rule, one subject in one span of time)."""

    at: datetime
    actor: str
    target: str
    reason: str
    place: Place  # of the first event
    ids: dict[str, None] = field(default_factory=dict)  # audit ids, in order
    items: dict[str, First] = field(default_factory=dict)  # what was counted -> the first event that shows it
    times: int = 0

    def add(self, other: Seen) -> None:
        """Take up what another process, or a neighbouring span, has seen."""
        if other.at < self.at:
            self.at, self.actor, self.target, self.reason = other.at, other.actor, other.target, other.reason
            self.place = other.place
        self.times += other.times
        fill(self.ids, other.ids, IDS)
        earlier = {item: first for item, first in other.items.items() if first < self.items.get(item, first)}
        self.items |= earlier
        fill(self.items, other.items, ITEMS)


def fill(into: dict[str, T], more: dict[str, T], limit: int) -> None:
    """Put what `more` has of new keys into `into`, which holds no more than `limit`."""
    for key, value in more.items():
        if len(into) >= limit:
            return
        into.setdefault(key, value)


Key = tuple[str, str, str | int]  # rule, actor and target; for a counting rule: rule, subject and number of the span


@dataclass(slots=True)
class Tally:
    """Everything seen so far."""

    seen: dict[Key, Seen] = field(default_factory=dict)
    chains: Chains = field(default_factory=Chains)
    glance: Glance = field(default_factory=Glance)
    late: dict[Whom, int] = field(default_factory=dict)
    dropped: int = 0

    def take(self, rule: Rule, event: Event, told: str) -> None:
        """Enter what `rule` said about `event`: why it fires, or what it counts."""
        actor, target = who(event), what(event)
        at = event.received or event.written or _NEVER
        place = Place(event.who.username, event.ref.namespace, event.ref.name)
        if rule.chain:
            if at != _NEVER:
                deed = Deed(at, event.auditID, told, actor, target, place)
                self.chains.take(rule, rule.subject(event), deed, begins=rule.chain.begins(event))
            return
        seen = Seen(at, actor, target, told, place, {event.auditID: None} if event.auditID else {}, times=1)
        key: Key = (rule.id, actor, target)
        if rule.count:
            span = rule.count.span
            key = (rule.id, rule.subject(event), int((at - _EPOCH) / span) if span and at != _NEVER else 0)
            seen.items[told] = at, event.auditID
            seen.ids = {} if rule.count.shown else seen.ids
        self._enter(key, seen)

    def again(self, whom: Whom, thing: str) -> bool:
        """Count one event more that shows what was seen of `whom`; False where it was not."""
        seen = self.seen.get((*whom, 0))
        if seen is None or thing not in seen.items:
            return False
        seen.times += 1
        return True

    @property
    def passed_over(self) -> int:
        """Events past the limits of what is kept."""
        return self.dropped + self.glance.dropped

    def merge(self, other: Tally) -> None:
        """Add what another process has seen."""
        self.dropped += other.dropped
        self.chains.merge(other.chains)
        self.glance.merge(other.glance)
        for key, seen in other.seen.items():
            self._enter(key, seen)

    def _enter(self, key: Key, seen: Seen) -> None:
        if known := self.seen.get(key):
            known.add(seen)
        elif self._room(key[:2]):
            self.seen[key] = seen
        else:
            self.dropped += 1

    def _room(self, whom: Whom) -> bool:
        if len(self.seen) < GROUPS:
            return True
        taken = self.late.get(whom, 0)
        if taken >= LATE or len(self.seen) >= MOST:
            return False
        self.late[whom] = taken + 1
        return True

    def findings(self, rules: dict[str, Rule]) -> list[Finding]:
        """What it amounts to, in time order."""
        found = (_finding(rule, seen) for rule, seen in self.fired(rules))
        return sorted(found, key=lambda finding: (finding.at, finding.rule))

    def fired(self, rules: dict[str, Rule]) -> Iterator[tuple[Rule, Seen]]:
        """What each finding is made of."""
        yield from ((rules[key[0]], seen) for key, seen in self.seen.items() if not rules[key[0]].count)
        keys = sorted(key for key in self.seen if rules[key[0]].count)
        for (rule, _), spans in groupby(keys, key=lambda key: key[:2]):
            if total := _enough(rules[rule], {int(key[2]): self.seen[key] for key in spans}):
                yield rules[rule], total
        yield from ((rule, _joined(pairs)) for rule, pairs in self.chains.fired(rules))


def _joined(pairs: list[Pair]) -> Seen:
    """One subject's sequences: told by the first of them; it stands on the deeds of all."""
    first, second = pairs[0]
    later = f"{(second.at - first.at).total_seconds():.0f} s later"
    ids = dict.fromkeys(deed.audit_id for pair in pairs for deed in pair if deed.audit_id)
    reason = f"{first.told}; {later} {second.told}"
    return Seen(second.at, second.actor, second.target, reason, Place(*second.place), ids, times=2 * len(pairs))


def _enough(rule: Rule, spans: dict[int, Seen]) -> Seen | None:
    """The sum of the spans that, alone or with the next, hold enough; a burst may straddle two."""
    least = rule.count.least if rule.count else 0
    total: Seen | None = None
    for number, seen in spans.items():
        both = seen.items | (spans[number + 1].items if number + 1 in spans else {})
        if len(both) < least:
            continue
        for part in (seen, spans.get(number + 1)):
            if part and total is None:
                total = Seen(part.at, part.actor, part.target, "", part.place)
            if part and total:
                total.add(part)
    if total:
        total.items = dict(sorted(total.items.items(), key=itemgetter(1)))
        total.target, total.reason = "", _listed(rule, total)
        total.ids = total.ids or dict.fromkeys(audit_id for _, audit_id in total.items.values() if audit_id)
    return total


def _listed(rule: Rule, total: Seen) -> str:
    some = ", ".join(list(total.items)[:5])
    more = f" and {len(total.items) - 5} more" if len(total.items) > 5 else ""
    return f"{len(total.items)} {rule.count.what if rule.count else ''}: {some}{more}"


def _finding(rule: Rule, seen: Seen) -> Finding:
    requests = len(seen.ids) or seen.times
    once = requests < 2 or not rule.at_once
    reason = seen.reason if once else f"{seen.reason} ({requests} times)"
    technique = rule.techniques[0]
    return Finding(rule.id, rule.severity, technique, seen.at, seen.actor, seen.target, tuple(seen.ids), reason)


def who(event: Event) -> str:
    """The authenticated user, and whom it acted as."""
    user = event.who.username
    return f"{user} as {event.impersonatedUser.username}" if event.impersonatedUser else user


def what(event: Event) -> str:
    """The object, or the path of a request that has none."""
    return str(event.ref) if event.objectRef else event.requestURI.partition("?")[0]
