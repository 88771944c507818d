"""Matched lines, kept until all is read: each record once, in time order, their bytes on disk beyond 64 MiB."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple, cast

from irkit.audit.matching.likely import ADDRESS
from irkit.audit.read.event import decode, whole
from irkit.model.audit import Finding, Match, Severity, Tier

MEMORY = 64 << 20  # bytes
REUSED = ("audit-id-reused", Severity.LOW, "T1036")
_EARLY = datetime.min.replace(tzinfo=UTC)
_LATE = datetime.max.replace(tzinfo=UTC)


class Hit(NamedTuple):
    """One line that matched."""

    offset: int  # in its source, unpacked
    tier: Tier
    reason: str
    at: datetime | None  # when the line was written; None: it bears no time
    audit_id: str
    stage: str
    level: str
    line: bytes
    issued: str = ""  # the credential that this request of the pod's own identity brought forth; "": none
    asked: datetime | None = None  # when the request was received; None: it does not say


class _Kept(NamedTuple):
    at: datetime
    stage: str
    place: int  # of the line in the store
    length: int
    tier: Tier
    reason: str
    source: str
    offset: int
    audit_id: str
    level: str
    asked: datetime

    @property
    def where(self) -> str:
        return f"{self.source}:{self.offset}"


class Haul:
    """The matches of one search."""

    def __init__(self) -> None:
        self.duplicates = 0
        self.issued: set[str] = set()
        self._kept: list[_Kept] = []
        self._seen: set[bytes] = set()
        self._store: BinaryIO = cast(BinaryIO, tempfile.SpooledTemporaryFile(MEMORY))
        self._successor: datetime | None = None
        self._begun: set[datetime] = set()
        self._lost: datetime | None = None

    def close(self) -> None:
        """Give the disk back."""
        self._store.close()

    def add(self, source: str, hit: Hit) -> None:
        """Keep a hit, unless the identical record is there already (a copy of the file, an overlapping rotation)."""
        mark = hashlib.sha256(hit.line).digest()
        if mark in self._seen:
            self.duplicates += 1
            return
        self._seen.add(mark)
        place = self._store.seek(0, 2) or 0
        self._store.write(hit.line)
        asked = hit.asked or hit.at or _LATE
        words = (sys.intern(hit.reason), source, hit.offset, hit.audit_id, sys.intern(hit.level), asked)
        self._kept.append(_Kept(hit.at or _EARLY, sys.intern(hit.stage), place, len(hit.line), hit.tier, *words))
        self.issued |= {hit.issued} - {""}

    def begin(self, begun: set[datetime]) -> None:
        """The pod was made at one of these instants: what names it from before concerns a predecessor."""
        self._begun |= begun

    def end(self, successor: datetime | None) -> None:
        """Another pod took the name at that instant: what names the pod from then on concerns the other."""
        self._successor = min(filter(None, (successor, self._successor)), default=None)

    def lose(self, ended: datetime | None) -> None:
        """The pod was removed at that instant: from then on its address is free for others."""
        self._lost = min(filter(None, (ended, self._lost)), default=None)

    def __iter__(self) -> Iterator[Match]:
        """The matches in time order; stages of one instant in the order they are reached."""
        for kept in sorted(filter(self._ours, self._kept), key=_order):
            line = self._line(kept)
            yield Match(kept.tier, kept.reason, kept.where, whole(line), line)

    def _ours(self, kept: _Kept) -> bool:
        """False for what names a successor or, where its creation stands in the log, a predecessor.

        And for what came from its address when it was no more.
        """
        if kept.tier is Tier.RELATED and kept.reason.startswith(ADDRESS):
            return not (self._lost and kept.asked > self._lost)
        if kept.tier is not Tier.NAME:
            return True
        early = len(self._begun) == 1 and kept.asked < min(self._begun)
        return not early and not (self._successor and kept.at >= self._successor)

    def _line(self, kept: _Kept) -> bytes:
        self._store.seek(kept.place)
        return self._store.read(kept.length)

    def tiers(self) -> dict[str, int]:
        """Requests (not lines: a request has several stages) by the surest tier any of their lines has."""
        surest: dict[str, Tier] = {}
        for kept in filter(self._ours, self._kept):
            key = kept.audit_id or kept.where
            surest[key] = min(kept.tier, surest.get(key, kept.tier))
        return {tier.name.lower(): count for tier, count in sorted(Counter(surest.values()).items())}

    def levels(self) -> dict[str, int]:
        """Requests by audit level."""
        level = {kept.audit_id or kept.where: kept.level for kept in filter(self._ours, self._kept)}
        return dict(sorted(Counter(level.values()).items()))

    def collisions(self) -> tuple[Finding, ...]:
        """One finding for all audit ids that stand on different records of one stage; none where there is no such."""
        groups: dict[tuple[str, str], list[_Kept]] = {}
        for kept in filter(self._ours, self._kept):
            if kept.audit_id:
                groups.setdefault((kept.audit_id, kept.stage), []).append(kept)
        doubled = [several for several in groups.values() if len(several) > 1]
        return (self._collision(doubled),) if doubled else ()

    def _collision(self, doubled: list[list[_Kept]]) -> Finding:
        first = doubled[0][0]
        event = decode(self._line(first))
        actor, target = (event.who.username, str(event.ref)) if event else ("", "")
        places = " and ".join(kept.where for kept in doubled[0][:2])
        reason = f"different records bear one audit id, as at {places}: a client may set it (header Audit-ID)"
        ids = tuple(several[0].audit_id for several in doubled)
        return Finding(*REUSED, first.at, actor, target, ids, reason)


_STAGES = {"RequestReceived": 0, "ResponseStarted": 1, "ResponseComplete": 2, "Panic": 3}


def _order(kept: _Kept) -> tuple[datetime, int, int]:
    return kept.at, _STAGES.get(kept.stage, 4), kept.place
