"""Identical requests put together, in bounded memory, the same sums whichever process saw which piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from irkit.audit.read.event import Event
from irkit.audit.timeline.line import Key, Kind, Line, key, told
from irkit.model.audit import Severity

GAP = timedelta(hours=1)  # a watch is renewed every five to ten minutes, a node's lists every few more
LINES = 200_000  # groups kept; of more, the first so many, and `dropped` says how many requests were not kept
IDS = 10  # audit ids named by one line


class Group(msgspec.Struct, gc=False, array_like=True):
    """Requests that differ in nothing that a reader asks about, each within GAP of the one before."""

    first: datetime
    last: datetime
    source: str
    uri: str
    agent: str
    tier: int
    reason: str
    started: int  # events of stage ResponseStarted: streams and watches have them
    ended: int  # events of every later stage
    ids: tuple[str, ...]

    @property
    def count(self) -> int:
        """Requests: a stream that has started may not have ended, and a policy may leave out either stage."""
        return max(self.started, self.ended)

    def near(self, other: Group) -> bool:
        """Whether the two are one line."""
        return self.first - other.last <= GAP and other.first - self.last <= GAP

    def add(self, other: Group) -> None:
        """Take up what another has seen."""
        if other.first < self.first:
            self.source, self.uri, self.agent = other.source, other.uri, other.agent
        self.tier, self.reason = min((self.tier, self.reason), (other.tier, other.reason))
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.started, self.ended = self.started + other.started, self.ended + other.ended
        if len(self.ids) < IDS:
            self.ids = (*self.ids, *(one for one in other.ids if one not in self.ids))[:IDS]


@dataclass(slots=True)
class Groups:
    """Everything seen so far."""

    groups: dict[Key, list[Group]] = field(default_factory=dict)
    size: int = 0
    dropped: int = 0  # requests past LINES
    untimed: int = 0  # events that bear no time

    def take(self, event: Event, source: str, tier: int = 0, reason: str = "") -> None:
        """Enter one event; a request that was only received has no outcome yet and is no line."""
        if event.stage == "RequestReceived":
            return
        at = event.received or event.written
        if at is None:
            self.untimed += 1
            return
        started = int(event.stage == "ResponseStarted")
        ids = (event.auditID,) if event.auditID else ()
        what = (event.requestURI, event.userAgent, tier, reason)
        self._enter(key(event), Group(at, at, source, *what, started, 1 - started, ids))

    def merge(self, other: Groups, label: str) -> None:
        """Add what another process has seen in the source of that name; there a group's `source` is the place alone."""
        self.dropped, self.untimed = self.dropped + other.dropped, self.untimed + other.untimed
        for one, groups in other.groups.items():
            for group in groups:
                group.source = f"{label}:{group.source}"
                self._enter(one, group)

    def __getstate__(self) -> bytes:
        """All of it in one text, which travels between processes several times faster than object by object."""
        return _TRAVEL.encode((list(self.groups.items()), self.size, self.dropped, self.untimed))

    def __setstate__(self, text: bytes) -> None:
        """What `__getstate__` gave, in the other process."""
        groups, self.size, self.dropped, self.untimed = _ARRIVE.decode(text)
        self.groups = dict(groups)

    def _enter(self, one: Key, group: Group) -> None:
        known = self.groups.get(one)
        if known and known[-1].near(group):
            known[-1].add(group)
        elif self.size < LINES:
            self.size += 1
            self.groups.setdefault(one, []).append(group)
        else:
            self.dropped += group.count

    def lines(self) -> Iterator[Line]:
        """One line per group, in no order."""
        for one, groups in self.groups.items():
            yield from (_line(one, group) for group in _joined(groups))


_TRAVEL = msgspec.msgpack.Encoder()
_ARRIVE = msgspec.msgpack.Decoder(tuple[list[tuple[Key, list[Group]]], int, int, int])


def _joined(groups: list[Group]) -> list[Group]:
    """Logs of several servers overlap: groups that turn out to be near are one."""
    if len(groups) == 1:
        return groups
    whole: list[Group] = []
    for group in sorted(groups, key=lambda group: group.first):
        if whole and whole[-1].near(group):
            whole[-1].add(group)
        else:
            whole.append(group)
    return whole


def _line(one: Key, group: Group) -> Line:
    return Line(
        group.first,
        group.last,
        group.count,
        Kind.REQUEST,
        Severity.INFO,
        one.actor,
        told(one),
        verb=one.verb,
        resource=one.resource,
        namespace=one.namespace,
        name=one.name,
        uri=group.uri,
        code=one.code,
        address=one.address,
        agent=group.agent,
        audit_ids=group.ids,
        source=group.source,
        tier=group.tier,
        reason=group.reason,
    )
