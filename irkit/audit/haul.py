"""Matched lines, kept until all is read: each record once, in time order, their bytes on disk beyond 64 MiB."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple, cast

from irkit.audit.matching.judge import Claim, Verdict
from irkit.audit.matching.life import Life
from irkit.audit.read.event import decode, whole
from irkit.model.audit import Finding, Match, Severity, Tier

MEMORY = 64 << 20  # bytes
REUSED = ("audit-id-reused", Severity.LOW, "T1036")
_EARLY = datetime.min.replace(tzinfo=UTC)
_LATE = datetime.max.replace(tzinfo=UTC)


class Hit(NamedTuple):
    """One line that matched."""

    offset: int  # in its source, unpacked
    at: datetime | None  # when the line was written; None: it bears no time
    audit_id: str
    stage: str
    level: str
    line: bytes
    claims: tuple[Claim, ...]
    asked: datetime | None = None  # when the request was received; None: it does not say


Claims = Mapping[int, Verdict]  # by the number of the pod
_NOBODY: Claims = {}


class _Kept(NamedTuple):
    at: datetime
    stage: str
    place: int  # of the line in the store
    length: int
    source: str
    offset: int
    audit_id: str
    level: str
    asked: datetime
    claims: Claims

    @property
    def where(self) -> str:
        return f"{self.source}:{self.offset}"


class Haul:
    """The matches of one search, for one pod (or none: its number is 0) or for many.

    A line that concerns many pods is kept once, and what is the same of many lines, too. Where a method takes a pod,
    None stands for all: each line once, by the surest of its claims.
    """

    def __init__(self, names: Sequence[str] = ("",)) -> None:
        self.duplicates: Counter[int | None] = Counter()
        self.issued: dict[int, set[str]] = defaultdict(set)
        self._names = names
        self._kept: list[_Kept] = []
        self._theirs = [array("L") for _ in names]  # places in `_kept`
        self._seen: dict[bytes, int] = {}
        self._same: dict[tuple[tuple[int, Verdict], ...], Claims] = {}
        self._lives: dict[int, Life] = defaultdict(Life)
        self._store: BinaryIO = cast(BinaryIO, tempfile.SpooledTemporaryFile(MEMORY))

    def close(self) -> None:
        """Give the disk back."""
        self._store.close()

    def add(self, source: str, hit: Hit) -> None:
        """Keep a hit, unless the identical record is there already (a copy of the file, an overlapping rotation)."""
        mark = hashlib.sha256(hit.line).digest()
        number = self._seen.setdefault(mark, len(self._kept))
        if number == len(self._kept):
            self._keep(source, hit)
        known = self._kept[number].claims
        claims = {claim.pod: (claim.tier, claim.reason) for claim in hit.claims if claim.pod not in known}
        self.duplicates.update(claim.pod for claim in hit.claims if claim.pod in known)
        self.duplicates[None] += not claims
        if claims:
            self._kept[number] = self._kept[number]._replace(claims=self._one({**known, **claims}))
            for pod in claims:
                self._theirs[pod].append(number)
        for claim in hit.claims:
            if claim.issued:
                self.issued[claim.pod].add(claim.issued)

    def _keep(self, source: str, hit: Hit) -> None:
        place = self._store.seek(0, 2) or 0
        self._store.write(hit.line)
        asked = hit.asked or hit.at or _LATE
        words = (source, hit.offset, hit.audit_id, sys.intern(hit.level), asked, _NOBODY)
        self._kept.append(_Kept(hit.at or _EARLY, sys.intern(hit.stage), place, len(hit.line), *words))

    def _one(self, claims: Claims) -> Claims:
        """The same claims, once: a thousand requests of an account concern the same pods by the same reason."""
        return self._same.setdefault(tuple(claims.items()), claims)

    def learn(self, lives: Mapping[int, Life]) -> None:
        """When the pods were made, removed, succeeded: what names one from before or after concerns another."""
        for pod, life in lives.items():
            self._lives[pod].merge(life)

    def matches(self, pod: int | None = 0) -> Iterator[Match]:
        """The matches in time order; stages of one instant in the order they are reached."""
        for kept, (tier, reason) in sorted(self._ours(pod), key=_order):
            line = self._line(kept)
            yield Match(tier, reason, kept.where, whole(line), line)

    def _ours(self, pod: int | None) -> Iterator[tuple[_Kept, Verdict]]:
        """What was kept and concerns the pod, in the order it was found, with the verdict."""
        if pod is None:
            yield from self._anybodys()
            return
        for number in self._theirs[pod]:
            kept = self._kept[number]
            if self._holds(kept, pod):
                yield kept, kept.claims[pod]

    def _anybodys(self) -> Iterator[tuple[_Kept, Verdict]]:
        for kept in self._kept:
            held = [pod for pod in kept.claims if self._holds(kept, pod)]
            if held:
                surest = min(held, key=lambda pod: (kept.claims[pod][0], pod))
                tier, reason = kept.claims[surest]
                yield kept, (tier, self._told(reason, surest, len(held)))

    def _holds(self, kept: _Kept, pod: int) -> bool:
        return self._lives[pod].holds(*kept.claims[pod], kept.at, kept.asked)

    def _told(self, reason: str, pod: int, pods: int) -> str:
        more = f" and {pods - 1} more" if pods > 1 else ""
        return sys.intern(f"{reason} (pod {self._names[pod]}{more})")

    def _line(self, kept: _Kept) -> bytes:
        self._store.seek(kept.place)
        return self._store.read(kept.length)

    def tiers(self, pod: int | None = 0) -> dict[str, int]:
        """Requests (not lines: a request has several stages) by the surest tier any of their lines has."""
        surest: dict[str, Tier] = {}
        for kept, (tier, _) in self._ours(pod):
            key = kept.audit_id or kept.where
            surest[key] = min(tier, surest.get(key, tier))
        return {tier.name.lower(): count for tier, count in sorted(Counter(surest.values()).items())}

    def levels(self, pod: int | None = 0) -> dict[str, int]:
        """Requests by audit level."""
        level = {kept.audit_id or kept.where: kept.level for kept, _ in self._ours(pod)}
        return dict(sorted(Counter(level.values()).items()))

    def collisions(self, pod: int | None = 0) -> tuple[Finding, ...]:
        """One finding for all audit ids that stand on different records of one stage; none where there is no such."""
        groups: dict[tuple[str, str], list[_Kept]] = {}
        for kept, _ in self._ours(pod):
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


def _order(found: tuple[_Kept, Verdict]) -> tuple[datetime, int]:
    """What is of one instant and stage stays in the order in which it was found."""
    kept, _ = found
    return kept.at, _STAGES.get(kept.stage, 4)
