"""Pods that are looked for together: which of them a line may concern is told by the texts that it holds.

A line is judged for the pods whose own texts it bears (uid, name, address, credential). An account, an owner, a node
that many share is judged once for all of them: the line is the same to each that lived by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from irkit.audit.matching.judge import Claim, Verdict, judge
from irkit.audit.matching.quarry import Quarry, begins
from irkit.audit.read.blocks import Block
from irkit.audit.read.event import Event
from irkit.audit.read.scan import Needle, hits

if TYPE_CHECKING:
    from irkit.model.pod import Target


Named = Sequence[tuple[int, Quarry]]  # pods with their numbers, in order
Needles = set[Needle]  # those that a line holds


class Tracker(Protocol):
    """Finds the lines of pods, and judges them."""

    def hits(self, block: Block) -> Iterator[tuple[int, bytes, Needles]]:
        """The lines of a block that may concern them, in order: offset, line, which of their texts it holds."""
        ...

    def named(self, texts: Needles, event: Event) -> Named:
        """The pods that a line which holds these texts may be about; it may tell of their lives."""
        ...

    def claims(self, texts: Needles, event: Event, named: Named) -> tuple[Claim, ...]:
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

    def hits(self, block: Block) -> Iterator[tuple[int, bytes, Needles]]:
        """As `Tracker.hits`; the texts are not told: all are the pod's."""
        return ((offset, line, set()) for offset, line in hits(block, self.pod.needles))

    def named(self, texts: Needles, event: Event) -> Named:
        """The pod, whichever of its texts it was."""
        return ((0, self.pod),)

    def claims(self, texts: Needles, event: Event, named: Named) -> tuple[Claim, ...]:
        """As `Tracker.claims`."""
        return tuple(_claimed(named, event))


@dataclass(slots=True)
class _Kin:
    """The pods that share an account, an owner or a node, which `part` says."""

    part: Quarry
    members: list[int] = field(default_factory=list)
    youngest: datetime = datetime.min.replace(tzinfo=UTC)


Shared = tuple[tuple[int, Verdict], ...]  # what a line is to each kin, by what they share


class Many:
    """Any number of pods."""

    def __init__(self, pods: tuple[Quarry, ...]) -> None:
        self._pods = pods
        self._same: dict[Shared, tuple[Claim, ...]] = {}
        self._own: dict[Needle, set[int]] = defaultdict(set)
        self._shared: dict[Needle, set[int]] = defaultdict(set)
        self._kin: list[_Kin] = []
        known: dict[Quarry, int] = {}
        for number, pod in enumerate(pods):
            for part in pod.parts():
                self._enrol(number, known.setdefault(part, len(known)), part)
            for needle in pod.needles:
                if needle not in self._shared:
                    self._own[needle] |= {number} if needle not in pod.unnamed else set()
        self._needles: dict[bytes, list[Needle]] = defaultdict(list)
        for needle in sorted({*self._own, *self._shared}):
            self._needles[needle.text].append(needle)

    def _enrol(self, number: int, place: int, part: Quarry) -> None:
        if place == len(self._kin):
            self._kin.append(_Kin(part))
        kin, pod = self._kin[place], self._pods[number]
        kin.members.append(number)
        kin.youngest = max(kin.youngest, pod.created or kin.youngest)
        for needle in part.shared:
            self._shared[needle].add(place)

    def hits(self, block: Block) -> Iterator[tuple[int, bytes, Needles]]:
        """As `Tracker.hits`."""
        from irkit.audit.matching.sieve import sieve  # Hyperscan, which a single pod and detection need not

        each = tuple(self._needles.values())
        for offset, line, texts in sieve(tuple(self._needles)).hits(block) if each else ():
            found = {needle for text in texts for needle in each[text] if needle.beside in line}
            if found:
                yield offset, line, found

    def named(self, texts: Needles, event: Event) -> Named:
        """Those whose own texts the line bears; those of the second in which a pod was made that has no name yet."""
        found = {number for text in texts for number in self._own.get(text, ())}
        if begins(event) and not event.ref.name:
            found.update(number for number, pod in enumerate(self._pods) if pod.begun_at(event.written))
        return [(number, self._pods[number]) for number in sorted(found)]

    def claims(self, texts: Needles, event: Event, named: Named) -> tuple[Claim, ...]:
        """As `Tracker.claims`: of those not named, what it is to their kin, if they lived by then."""
        own = tuple(_claimed(named, event))
        kin = sorted({place for text in texts for place in self._shared.get(text, ())})
        shared = tuple((place, verdict) for place in kin if (verdict := judge(self._kin[place].part, event)))
        others = self._others(shared, event, {number for number, _ in named})
        return (*own, *others) if own else others

    def _others(self, shared: Shared, event: Event, named: set[int]) -> tuple[Claim, ...]:
        """The claims of those not named; where all lived by then, the very same for every such line."""
        late = any(event.received and event.received < self._kin[place].youngest for place, _ in shared)
        if not named and not late and shared in self._same:
            return self._same[shared]
        surest: dict[int, Verdict] = {}
        for place, verdict in shared:
            for number in self._kin[place].members:
                if number not in named and self._pods[number].lived(event.received):
                    surest[number] = min(verdict, surest.get(number, verdict))
        claims = tuple(Claim(number, *verdict) for number, verdict in surest.items())
        if not named and not late:
            self._same[shared] = claims
        return claims


def _claimed(named: Named, event: Event) -> Iterator[Claim]:
    for number, pod in named:
        if verdict := judge(pod, event):
            yield Claim(number, *verdict, pod.issued(event))
