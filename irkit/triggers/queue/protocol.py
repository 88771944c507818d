"""What a durable queue promises: five methods for servers and workers, and a desk for the people who look after it.

A job is delivered at least once and completed exactly once: whoever took it holds a lease and a token that grows with
every taking, so a worker that stalled past its lease can no longer complete what another has taken over. What has to
happen once only, in the world, is the run's journal's business: it observes before it repeats.

    waiting --take--> leased --done--> done
       ^                |  `----fail, or too many leases ran out--> dead
       `--fail, lease ran out--'                                      |
       `-----------------------------retry----------------------------'

An implementation is given its clock when it is opened. All instants are aware, in UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from irkit.errors import IrkitError

MAX_ATTEMPTS = 5


class QueueError(IrkitError):
    """The queue cannot be read or written: acknowledge nothing, ask the sender to come again."""


class LeaseLost(QueueError):
    """The lease ran out and the job was given to another, or is settled: stop working on it, write nothing more."""


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class Fate(StrEnum):
    """What became of an item that was put."""

    NEW = "new"
    DUPLICATE = "duplicate"  # the same kind and key came before
    COALESCED = "coalesced"  # counted in with an open job of its group; its body is kept there


@dataclass(frozen=True, slots=True)
class Item:
    """What a server puts.

    `key` tells the same delivery sent again: a kind and key give one job, until that is forgotten (`Desk.forget`).
    `group` tells what is to be done once for many: while a job of the same kind and group is waiting or leased, an
    item joins it. So of one group at most one job is ever open.
    """

    kind: str
    key: str
    body: bytes
    group: str = ""  # "": joins nothing
    not_before: datetime | None = None  # None: at once
    max_attempts: int = MAX_ATTEMPTS
    dead: str = ""  # why it is a dead letter from the start (quarantine: authentic, but not understood); "": it is not


@dataclass(frozen=True, slots=True)
class Placed:
    """The job that an item became, or became part of."""

    id: int
    fate: Fate

    @property
    def new(self) -> bool:
        """True when the item is a job of its own that was not there before."""
        return self.fate is Fate.NEW


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the worker that took it holds it."""

    id: int
    kind: str
    key: str
    body: bytes
    group: str
    attempts: int  # this one included
    token: int  # the lease's fencing token: greater than that of every taking before
    created: datetime
    expires: datetime  # when the lease runs out unless `beat`


@dataclass(frozen=True, slots=True)
class Delivery:
    """One item that a job stands for: the first made it, the others joined."""

    key: str
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A job as the desk sees it."""

    id: int
    kind: str
    key: str
    group: str
    state: State
    attempts: int
    max_attempts: int
    created: datetime
    due: datetime  # not taken before
    deliveries: int  # the items it stands for, itself included; duplicates are not counted
    worker: str  # who holds it, or held it last; "": nobody yet
    expires: datetime | None  # None unless leased
    settled: datetime | None  # None until done or dead
    word: str  # why it failed last, or what `done` was told; "": nothing
    replay_of: int | None  # None: not a replay


class Queue(Protocol):
    """What servers and workers do with a queue. Every method is one transaction, on disk when it returns.

    All raise QueueError when the store refuses.
    """

    def put(self, items: Sequence[Item]) -> tuple[Placed, ...]:
        """Keep `items`, all or none, in order; answer 202 only after this returned."""
        ...

    def take(self, worker: str, lease: timedelta, kinds: Collection[str] = ()) -> Job | None:
        """Lease the job that has been due longest (of `kinds`, if any are named); None when nothing is due.

        A job whose lease ran out is due again; after its last attempt it is a dead letter instead.
        """
        ...

    def beat(self, job: Job, lease: timedelta) -> Job:
        """Hold `job` for `lease` from now; the job with its new expiry. Raises LeaseLost."""
        ...

    def done(self, job: Job, word: str = "") -> None:
        """Settle `job`; `word` is kept for people (a run's id). Raises LeaseLost."""
        ...

    def fail(self, job: Job, why: str, after: timedelta | None = None, *, counts: bool = True) -> State:
        """Have `job` come again `after` so long; as a dead letter when that is None or it was the last attempt.

        How long it is counts by the queue's own clock, as leases are: a worker's may be wrong.

        `counts=False` puts off without using up an attempt: frozen, or waiting for an approval. Raises LeaseLost.
        """
        ...


class Desk(Protocol):
    """What people do with a queue. Reading changes nothing."""

    def ls(self, states: Collection[State] = (), limit: int = 100) -> tuple[Entry, ...]:
        """The newest jobs first, of `states` if any are named."""
        ...

    def show(self, job: int) -> tuple[Entry, tuple[Delivery, ...]]:
        """A job and all it stands for, in order of arrival. Raises UsageError for an unknown id."""
        ...

    def counts(self) -> dict[State, int]:
        """How many jobs stand where; every state is there."""
        ...

    def retry(self, job: int) -> Entry:
        """A dead letter waiting again with all its attempts. Raises Refused for any other, or if its group is open."""
        ...

    def replay(self, job: int) -> Entry:
        """A new job with the body of one that is settled. Raises Refused for an open one, or if its group is open."""
        ...

    def forget(self, before: datetime, *, dead: bool = False) -> int:
        """Drop what was done before that (dead letters too when asked), dedupe keys included; how many jobs."""
        ...
