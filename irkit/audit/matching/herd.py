"""Pods that are looked for together: which of them a line may concern is told by the texts that it holds.

A line is judged for the pods whose own texts it bears (uid, name, address, credential). What they share (account,
owner, node) is judged once for all of a kin: it is the same to each of them that lived by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from irkit.audit.matching.judge import Claim, Verdict, judge
from irkit.audit.matching.quarry import Quarry, begins
from irkit.audit.read.blocks import Block
from irkit.audit.read.event import Event
from irkit.audit.read.scan import hits

if TYPE_CHECKING:
    from irkit.model.pod import Target


Named = Sequence[tuple[int, Quarry]]  # pods with their numbers, in order


class Tracker(Protocol):
    """Finds the lines of pods, and judges them."""

    def hits(self, block: Block) -> Iterator[tuple[int, bytes, set[int]]]:
        """The lines of a block that may concern them, in order: offset, line, which of their texts it holds."""
        ...

    def named(self, texts: set[int], event: Event) -> Named:
        """The pods that a line which holds these texts may be about; it may tell of their lives."""
        ...

    def claims(self, texts: set[int], event: Event, named: Named) -> tuple[Claim, ...]:
        """What it is to whom."""
        ...


@dataclass(frozen=True, slots=True)
class Herd:
    """The pods; each is known by its place among them. Small and picklable, as the work is that it is part of."""

    pods: tuple[Quarry, ...]

    @classmethod
    def of(cls, targets: Iterable[Target]) -> Herd:
        """The pods as a run pinned them."""
        return cls(tuple(map(Quarry.of, targets)))

    def chained(self, credentials: Mapping[int, Iterable[str]]) -> Herd:
        """The same pods, looked for only by the credentials named; where none is, by nothing."""
        return Herd(tuple(pod.chained(credentials.get(number, ())) for number, pod in enumerate(self.pods)))

    def tracker(self) -> Tracker:
        """What finds their lines; to be made where the work is done."""
        return One(self.pods[0]) if len(self.pods) == 1 else Many(self.pods)


@dataclass(frozen=True, slots=True)
class One:
    """A single pod: a pass for each of its few texts is the fastest."""

    pod: Quarry

    def hits(self, block: Block) -> Iterator[tuple[int, bytes, set[int]]]:
        """As `Tracker.hits`; the texts are not told: all are the pod's."""
        return ((offset, line, set()) for offset, line in hits(block, self.pod.needles))

    def named(self, texts: set[int], event: Event) -> Named:
        """The pod, whichever of its texts it was."""
        return ((0, self.pod),)

    def claims(self, texts: set[int], event: Event, named: Named) -> tuple[Claim, ...]:
        """As `Tracker.claims`."""
        return tuple(_claimed(named, event))


@dataclass(slots=True)
class _Kin:
    """The pods that share account, owner and node."""

    members: list[int] = field(default_factory=list)
    youngest: datetime = datetime.min.replace(tzinfo=UTC)


Shared = tuple[tuple[Quarry, Verdict], ...]  # what a line is to each kin, by what they share


class Many:
    """Any number of pods."""

    def __init__(self, pods: tuple[Quarry, ...]) -> None:
        self._pods = pods
        self._same: dict[Shared, tuple[Claim, ...]] = {}
        self._kin: dict[Quarry, _Kin] = {}
        own: dict[bytes, set[int]] = defaultdict(set)
        shared: dict[bytes, set[Quarry]] = defaultdict(set)
        for number, pod in enumerate(pods):
            kin = self._enrol(number, pod)
            for needle in kin.needles:
                shared[needle].add(kin)
            for needle in {*pod.needles} - {*kin.needles}:
                own[needle] |= {number} if needle != pod.unnamed else set()
        self._needles = tuple(sorted({*own, *shared}))
        self._own = [own.get(needle, set()) for needle in self._needles]
        self._shared = [shared.get(needle, set()) for needle in self._needles]

    def _enrol(self, number: int, pod: Quarry) -> Quarry:
        """Its kin: what it shares, as a pod that has lived for ever."""
        shared = replace(pod, uid="", name="", created=None, addresses=(), credentials=frozenset())
        kin = self._kin.setdefault(shared, _Kin())
        kin.members.append(number)
        kin.youngest = max(kin.youngest, pod.created or kin.youngest)
        return shared

    def hits(self, block: Block) -> Iterator[tuple[int, bytes, set[int]]]:
        """As `Tracker.hits`."""
        from irkit.audit.matching.sieve import sieve  # Hyperscan, which a single pod and detection need not

        return sieve(self._needles).hits(block) if self._needles else iter(())

    def named(self, texts: set[int], event: Event) -> Named:
        """Those whose own texts the line bears; those of the second in which a pod was made that has no name yet."""
        found = {number for text in texts for number in self._own[text]}
        if begins(event) and not event.ref.name:
            found.update(number for number, pod in enumerate(self._pods) if pod.begun_at(event.written))
        return [(number, self._pods[number]) for number in sorted(found)]

    def claims(self, texts: set[int], event: Event, named: Named) -> tuple[Claim, ...]:
        """As `Tracker.claims`: of those not named, what it is to their kin, if they lived by then."""
        own = tuple(_claimed(named, event))
        kin = {one for text in texts for one in self._shared[text]}
        shared = tuple((one, verdict) for one in sorted(kin, key=self._first) if (verdict := judge(one, event)))
        others = self._others(shared, event, {number for number, _ in named})
        return (*own, *others) if own else others

    def _first(self, kin: Quarry) -> int:
        return self._kin[kin].members[0]

    def _others(self, shared: Shared, event: Event, named: set[int]) -> tuple[Claim, ...]:
        """The claims of those not named; where all lived by then, the very same for every such line."""
        late = any(event.received and event.received < self._kin[kin].youngest for kin, _ in shared)
        if not named and not late and shared in self._same:
            return self._same[shared]
        claims = tuple(
            Claim(number, *verdict)
            for kin, verdict in shared
            for number in self._kin[kin].members
            if number not in named and self._pods[number].lived(event.received)
        )
        if not named and not late:
            self._same[shared] = claims
        return claims


def _claimed(named: Named, event: Event) -> Iterator[Claim]:
    for number, pod in named:
        if verdict := judge(pod, event):
            yield Claim(number, *verdict, pod.issued(event))
