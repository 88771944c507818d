"""What a collector is, and how it tells the pod from a successor of the same name."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import Protocol

from irkit.cluster.protocol import Cluster
from irkit.cluster.resolve import check
from irkit.collect.folder import Folder
from irkit.collect.piece import Found
from irkit.errors import NotFound
from irkit.model.permission import Permission
from irkit.model.pod import PodRef, Target

PATIENCE = 0.05  # seconds that an answer which has begun waits for those on their way: one question proves them all


class Collector(Protocol):
    """Takes one kind of evidence. It may raise: `capture` makes a Gap of whatever gets out."""

    @property
    def name(self) -> str:
        """As artifacts and gaps carry it: "logs"."""
        ...

    @property
    def needs(self) -> tuple[Permission, ...]:
        """What it must be allowed to do; optional ones only enrich."""
        ...

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Every piece of its evidence, as Artifact or Gap, as soon as it is there."""
        ...


def pod_of(target: Target) -> PodRef:
    """The pod of a run, pinned to its uid."""
    return PodRef(target.namespace, target.name, target.uid)


def not_replaced(target: Target, cluster: Cluster) -> None:
    """Raise PodReplaced when the pod's name belongs to another pod by now.

    A uid never comes back. A name that still has ours after an answer has begun had it when the answer was asked
    for, so asking once, afterwards, proves whose answer it is. A pod that is gone has no successor to be mistaken for.
    """
    try:
        check(pod_of(target), cluster)
    except NotFound:
        return


@dataclass(slots=True)
class Ours:
    """`not_replaced` for several answers at once: asked after all of them had begun, it is true of all of them."""

    target: Target
    cluster: Cluster
    asked: float = -math.inf  # when it was asked last and found ours, by the monotonic clock
    turn: Lock = field(default_factory=Lock)
    due: set[str] = field(default_factory=set)  # names of answers asked for that have neither begun nor failed
    fewer: Condition = field(default_factory=Condition)

    @contextmanager
    def expecting(self, name: str) -> Iterator[None]:
        """Around an answer that is to be proved, from before it is asked for."""
        self.due.add(name)
        try:
            yield
        finally:
            self._no_longer_due(name)

    def prove(self, name: str) -> None:
        """Raise PodReplaced as `not_replaced`; the answer `name` has begun."""
        begun = time.monotonic()
        self._no_longer_due(name)
        with self.fewer:
            self.fewer.wait_for(lambda: not self.due, PATIENCE)
        with self.turn:
            if self.asked < begun:
                now = time.monotonic()
                not_replaced(self.target, self.cluster)
                self.asked = now

    def _no_longer_due(self, name: str) -> None:
        with self.fewer:
            self.due.discard(name)
            self.fewer.notify_all()
