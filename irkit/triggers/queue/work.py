"""A worker's hands: take a job, hold it by heartbeats while somebody works on it, settle it, however that ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from irkit.errors import IrkitError
from irkit.triggers.queue.bell import Bell
from irkit.triggers.queue.protocol import Job, LeaseLost, Queue, QueueError

LEASE = timedelta(seconds=30)
NAP = 0.2  # seconds between two looks at an empty queue, unless the bell rings
PAUSE = 2.0  # likewise, at one that refuses: each time it is logged
FIRST_RETRY, LAST_RETRY = timedelta(seconds=5), timedelta(minutes=10)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finished:
    """It is done; `word` is kept for people (a run's id)."""

    word: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """It has to come again. `counts`: False for what is no failure, as when it waits for an approval."""

    after: timedelta
    why: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Hopeless:
    """It will never be done as it is: a dead letter."""

    why: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The handler settled it itself, in one deed with what came of it."""


Ending = Finished | Later | Hopeless | Settled
# Works on a job. The event is set when the lease is lost: stop then, another has the job by now.
Handle = Callable[[Job, Event], Ending]


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker, by a `name` that is its own; `kinds`: none for jobs of every kind. `bell`: rung when it may look."""

    queue: Queue
    name: str
    handle: Handle
    kinds: Collection[str] = ()
    lease: timedelta = LEASE
    bell: Bell = field(default_factory=Bell)

    def run(self, stop: Event) -> None:
        """Work until `stop` is set, and the bell rung; a queue that refuses is asked again."""
        while not stop.is_set():
            rings, nap = self.bell.rings, NAP
            try:
                if self.once():
                    continue
            except QueueError as error:
                _log.warning("%s: %s", self.name, error)
                nap = PAUSE
            self.bell.wait(rings, nap)

    def once(self) -> bool:
        """Take one job and settle it; False when there was none. Raises QueueError."""
        job = self.queue.take(self.name, self.lease, self.kinds)
        if job is None:
            return False
        with self._held(job) as lost:
            ending = self._ending(job, lost)
        _log.info("%s: job %s: %s", self.name, job.id, ending)
        try:
            self._settle(job, ending)
        except LeaseLost as error:
            _log.warning("%s: %s; what it did is for the other to find", self.name, error)
        return True

    def _ending(self, job: Job, lost: Event) -> Ending:
        """What the handler says; a job that fails comes again, ever later, until its attempts are used up."""
        try:
            return self.handle(job, lost)
        except IrkitError as error:
            return Later(delay(job.attempts), error.message)
        except Exception as error:  # a defect must neither end the worker nor lose the job
            _log.exception("%s: job %s", self.name, job.id)
            return Later(delay(job.attempts), f"{type(error).__name__}: {error}")

    def _settle(self, job: Job, ending: Ending) -> None:
        match ending:
            case Finished(word):
                self.queue.done(job, word)
            case Later(after, why, counts):
                self.queue.fail(job, why, after, counts=counts)
            case Hopeless(why):
                self.queue.fail(job, why)
            case Settled():
                pass

    @contextmanager
    def _held(self, job: Job) -> Iterator[Event]:
        """A heartbeat in a thread of its own; the event it sets when the lease is lost."""
        ended, lost = Event(), Event()
        heart = Thread(target=self._beat, args=(job, ended, lost), name=f"heart of {job.id}", daemon=True)
        heart.start()
        try:
            yield lost
        finally:
            ended.set()
            heart.join()

    def _beat(self, job: Job, ended: Event, lost: Event) -> None:
        third = self.lease.total_seconds() / 3
        held, pause = time.monotonic(), third
        while not ended.wait(pause):
            asked = time.monotonic()
            try:
                self.queue.beat(job, self.lease)
                held, pause = asked, third
            except LeaseLost:
                lost.set()
                return
            except QueueError as error:
                _log.warning("%s: no heartbeat for job %s: %s", self.name, job.id, error)
                pause = third / 10
                # Who does reach the queue has the job when the lease has run out: stop before, not when it is known.
                if time.monotonic() - held > 2 * third:
                    lost.set()
                    return


def delay(attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time."""
    return min(FIRST_RETRY * (1 << min(attempts - 1, 16)), LAST_RETRY)
