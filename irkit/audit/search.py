"""Every audit event that concerns a pod, with tier and reason, out of any pile of logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from irkit import times
from irkit.audit.filter.grammar import parse
from irkit.audit.haul import Haul
from irkit.audit.hunt import Caught, Hunt
from irkit.audit.matching.herd import Herd
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
    from irkit.model.pod import Target

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
    herd = Herd.of([target]) if target else None
    return Search(sources, Hunt(herd, Window(since, until), tree), door, share)


def search_all(
    sources: Sequence[str],
    targets: Sequence[Target],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    door: Door = default_door,
) -> Search:
    """The events that concern each of `targets`, found in one reading; `views` tells them apart."""
    names = [target.name for target in targets]
    return Search(sources, Hunt(Herd.of(targets), Window(since, until)), door, spread, names)


@dataclass(frozen=True, slots=True)
class View:
    """What was found of one pod, or of all; `gaps` are about that pod alone."""

    matches: Iterator[Match]  # in time order
    summary: AuditSummary
    gaps: list[Gap]


class Search:
    """The matches in time order; `summary()`, `gaps` and `unknown` are complete once it has been iterated.

    `unknown` counts the events for which the filter hangs on a body that their audit level does not log.
    """

    def __init__(
        self, sources: Sequence[str], hunt: Hunt, door: Door, share: Share, names: Sequence[str] = ("",)
    ) -> None:
        self.gaps: list[Gap] = []
        self.unknown = 0
        self._named, self._hunt, self._door, self._share, self._names = sources, hunt, door, share, names
        self._summary = AuditSummary()

    def __iter__(self) -> Iterator[Match]:
        for view in self.views(0):
            self._summary = view.summary
            self.gaps += view.gaps
            yield from view.matches

    def views(self, *pods: int | None) -> Iterator[View]:
        """What was found of each of `pods`, by number (None: of all of them), each to be read before the next.

        `gaps` of the search itself are those of the sources, and complete with the first of them.
        """
        sources, haul = Sources(self._named, self._hunt.window, self._door), Haul(self._names)
        try:
            self.gaps = list(sources.gaps)
            read = self._read(sources.readable, haul)
            for pod in pods:
                summary = replace(read, **_found(haul, pod))
                yield View(haul.matches(pod), summary, self._short(pod, read.first))
        finally:
            sources.close()
            haul.close()

    def summary(self) -> AuditSummary:
        """What was read and matched."""
        return self._summary

    def _read(self, sources: list[Source], haul: Haul) -> AuditSummary:
        """What was read, and nothing yet of what matched."""
        read = list(self._pass(sources, self._hunt, haul))
        if self._hunt.herd:
            self._follow(sources, self._hunt.herd, haul)
        self.unknown = sum(caught.unknown for _, caught in read)
        self.gaps += dict.fromkeys(torn(source, caught.torn, caught.remedy) for source, caught in read if caught.torn)
        return _summed(sources, [caught for _, caught in read])

    def _follow(self, sources: list[Source], herd: Herd, haul: Haul) -> None:
        """Read again for the credentials that the pods had minted, and for those minted with them."""
        known: dict[int, set[str]] = {}
        for _ in range(ROUNDS):
            fresh = {pod: set(issued) for pod, issued in haul.issued.items() if not issued <= known.get(pod, set())}
            if not fresh:
                return
            known |= fresh
            list(self._pass(sources, replace(self._hunt, herd=herd.chained(fresh)), haul))

    def _pass(self, sources: list[Source], hunt: Hunt, haul: Haul) -> Iterator[tuple[Source, Caught]]:
        units = [piece for source in sources for piece in pieces(source, *hunt.window.within(source))]
        for unit, caught in zip(units, self._share(hunt, units), strict=True):
            for hit in caught.hits:
                haul.add(unit.source.label, hit)
            haul.learn(caught.lives)
            caught.hits, caught.lives = [], {}
            yield unit.source, caught

    def _short(self, pod: int | None, first: datetime | None) -> list[Gap]:
        if pod is None or self._hunt.herd is None or self._hunt.window.since:
            return []
        return _too_short(first, self._hunt.herd.pods[pod])


def _summed(sources: list[Source], parts: list[Caught]) -> AuditSummary:
    return AuditSummary(
        sources=tuple(source.label for source in sources),
        events=sum(part.events for part in parts),
        malformed=sum(part.malformed for part in parts),
        first=min((part.first for part in parts if part.first), default=None),
        last=max((part.last for part in parts if part.last), default=None),
    )


def _found(haul: Haul, pod: int | None) -> dict[str, Any]:
    """What a summary says of matches."""
    found = {"matched": haul.tiers(pod), "levels": haul.levels(pod), "findings": haul.collisions(pod)}
    return {"duplicates": haul.duplicates[pod], **found}


def _too_short(first: datetime | None, pod: Quarry) -> list[Gap]:
    """A gap where the log begins after the pod did: what happened in between cannot be known from it."""
    if not (first and pod.created) or first <= pod.created + SLACK:
        return []
    detail = f"the pod was created at {times.rfc3339(pod.created)}, the log begins at {times.rfc3339(first)}"
    remedy = "add the rotated files (audit-<time>.log), of every control plane node"
    return [Gap(COLLECTOR, "audit log of the pod's first hours", GapReason.ABSENT, detail, remedy)]
