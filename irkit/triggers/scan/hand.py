"""A worker's hand for pieces of audit logs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from irkit.audit.afar.reader import NotHere, Reader
from irkit.audit.afar.wire import Part, encode
from irkit.triggers.orders.crew import at_work
from irkit.triggers.queue.opening import Opened
from irkit.triggers.queue.protocol import MAX_ATTEMPTS, Job
from irkit.triggers.queue.work import LEASE, Ending, Hopeless, Later, Settled, Worker
from irkit.triggers.scan.parts import KIND, Parts

AGAIN = timedelta(seconds=0.5)  # after which another worker may try what one could not read


@dataclass(frozen=True, slots=True)
class Hand:
    """Reads one piece after another; `name` is what the asker is told of who could not."""

    parts: Parts
    name: str
    reader: Reader

    def read(self, job: Job, lost: Event) -> Ending:
        """Answer one unit. `lost` is not looked at: a piece is short, and without the lease nothing is kept of it."""
        try:
            part = Part(self.reader.answer(job.body))
        except ValueError as error:
            return Hopeless(f"not a unit of work: {error}")
        except NotHere as error:
            why = f"worker {self.name}: {error}"
            if job.attempts < MAX_ATTEMPTS:
                return Later(AGAIN, why)
            part = Part(refused=why)
        self.parts.keep(job, encode(part))
        return Settled()


@contextmanager
def reading(store: Opened, lease: timedelta = LEASE, reader: Reader | None = None) -> Iterator[None]:
    """A worker reads pieces of audit logs while the block lasts, one at a time."""
    name = f"{socket.gethostname()}/{os.getpid()}"
    hand = Hand(Parts(store.door), name, reader or Reader())
    worker = Worker(store.queue, f"{name}/audit", hand.read, (KIND,), lease)
    try:
        with at_work({worker.name: worker.run}, worker.bell):
            yield
    finally:
        hand.reader.close()
