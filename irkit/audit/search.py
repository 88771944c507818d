"""Every audit event that concerns a pod, with tier and reason, out of any pile of logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from irkit import times
from irkit.audit.filter.grammar import parse
from irkit.audit.haul import Haul
from irkit.audit.hunt import Caught, Hunt
from irkit.audit.matching.quarry import Quarry
from irkit.audit.read.blocks import Source
from irkit.audit.read.look import COLLECTOR, torn
from irkit.audit.read.remote.place import Door, default_door
from irkit.audit.read.scan import Share, pieces, spread
from irkit.audit.read.sources import Sources
from irkit.audit.read.window import Window
from irkit.model.audit import AuditSummary, Match
from irkit.model.evidence import Gap, GapReason

if TYPE_CHECKING:
    from irkit.model.run import Target

ROUNDS = 4  # how far a chain of minted credentials is followed
SLACK = timedelta(seconds=60)  # a pod is created this long before a log's first event: the log reaches far enough


def search(
    sources: Sequence[str],
    target: Target | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    where: str = "",
    door: Door = default_door,
    share: Share = spread,
) -> Search:
    """The events that concern `target` (None: any) and pass the filter `where`, written from `since` to `until`.

    Sources are files, folders, globs, URLs or "-"; `door` leads to the cluster for those that lie in it. A target of
    which only the uid is known has empty names. `share` shares out the reading. Raises UsageError for a filter that
    cannot be read; a source that cannot be read is a gap.
    """
    tree = parse(where) if where.strip() else None
    return Search(sources, Hunt(Quarry.of(target) if target else None, Window(since, until), tree), door, share)


class Search:
    """The matches in time order; `summary()`, `gaps` and `unknown` are complete once it has been iterated.

    `unknown` counts the events for which the filter hangs on a body that their audit level does not log.
    """

    def __init__(self, sources: Sequence[str], hunt: Hunt, door: Door, share: Share) -> None:
        self.gaps: list[Gap] = []
        self.unknown = 0
        self._named, self._hunt, self._door, self._share = sources, hunt, door, share
        self._summary = AuditSummary()

    def __iter__(self) -> Iterator[Match]:
        sources, haul = Sources(self._named, self._hunt.window, self._door), Haul()
        try:
            self.gaps = list(sources.gaps)
            self._read(sources.readable, haul)
            yield from haul
        finally:
            sources.close()
            haul.close()

    def summary(self) -> AuditSummary:
        """What was read and matched."""
        return self._summary

    def _read(self, sources: list[Source], haul: Haul) -> None:
        read = list(self._pass(sources, self._hunt, haul))
        if self._hunt.quarry:
            self._follow(sources, self._hunt.quarry, haul)
        self._summary = _summed(sources, read, haul)
        self.unknown = sum(caught.unknown for _, caught in read)
        self.gaps += dict.fromkeys(torn(source, caught.torn, caught.remedy) for source, caught in read if caught.torn)
        if self._hunt.quarry and not self._hunt.window.since:
            self.gaps += _too_short(self._summary.first, self._hunt.quarry)

    def _follow(self, sources: list[Source], quarry: Quarry, haul: Haul) -> None:
        """Read again for the credentials that the pod had minted, and for those minted with them."""
        known: set[str] = set()
        for _ in range(ROUNDS):
            if haul.issued <= known:
                return
            known |= haul.issued
            list(self._pass(sources, replace(self._hunt, quarry=quarry.chained(known)), haul))

    def _pass(self, sources: list[Source], hunt: Hunt, haul: Haul) -> Iterator[tuple[Source, Caught]]:
        units = [piece for source in sources for piece in pieces(source, *hunt.window.within(source))]
        for unit, caught in zip(units, self._share(hunt, units), strict=True):
            for hit in caught.hits:
                haul.add(unit.source.label, hit)
            haul.end(caught.successor)
            haul.begin(caught.begun)
            haul.lose(caught.ended)
            caught.hits = []
            yield unit.source, caught


def _summed(sources: list[Source], read: Iterable[tuple[Source, Caught]], haul: Haul) -> AuditSummary:
    parts = [caught for _, caught in read]
    return AuditSummary(
        sources=tuple(source.label for source in sources),
        events=sum(part.events for part in parts),
        malformed=sum(part.malformed for part in parts),
        first=min((part.first for part in parts if part.first), default=None),
        last=max((part.last for part in parts if part.last), default=None),
        duplicates=haul.duplicates,
        matched=haul.tiers(),
        levels=haul.levels(),
        findings=haul.collisions(),
    )


def _too_short(first: datetime | None, pod: Quarry) -> list[Gap]:
    """A gap where the log begins after the pod did: what happened in between cannot be known from it."""
    if not (first and pod.created) or first <= pod.created + SLACK:
        return []
    detail = f"the pod was created at {times.rfc3339(pod.created)}, the log begins at {times.rfc3339(first)}"
    remedy = "add the rotated files (audit-<time>.log), of every control plane node"
    return [Gap(COLLECTOR, "audit log of the pod's first hours", GapReason.ABSENT, detail, remedy)]
