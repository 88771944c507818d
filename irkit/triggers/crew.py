"""Workers in threads of this process, which begin no further job once they are asked to stop."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from irkit.triggers.act import Actor
from irkit.triggers.order import KIND
from irkit.triggers.overdue import Overdue
from irkit.triggers.queue.bell import Bell
from irkit.triggers.queue.protocol import Queue
from irkit.triggers.queue.work import LEASE, Worker


@dataclass(frozen=True, slots=True)
class Crew:
    """So many workers that do the same, and look whenever `bell` rings."""

    actor: Actor
    workers: int = 1
    lease: timedelta = LEASE
    bell: Bell = field(default_factory=Bell)

    @contextmanager
    def working(self, queue: Queue) -> Iterator[None]:
        """They work while the block lasts, and look for quarantines to end; what is in hand then goes on to its end.

        A second interrupt does not wait for that: the run is gone on with at the next start.
        """
        stop = Event()
        team = f"{socket.gethostname()}/{os.getpid()}"
        # Daemons, so that nothing holds up a process that was told twice to end.
        threads = [
            Thread(target=worker.run, args=(stop,), name=worker.name, daemon=True)
            for worker in (self._worker(queue, f"{team}/{number}") for number in range(1, self.workers + 1))
        ]
        ttl = Overdue(self.actor.cluster, queue, self.bell, self.actor.clock, stop)
        threads.append(Thread(target=ttl.run, name=f"{team}/ttl", daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            self.bell.ring()
            for thread in threads:
                thread.join()

    def _worker(self, queue: Queue, name: str) -> Worker:
        return Worker(queue, name, self.actor.act, (KIND,), self.lease, self.actor.clock, self.bell)


def until_told() -> None:
    """Wait, in the main thread, for SIGINT or SIGTERM; the next one interrupts whatever goes on then."""
    told = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    told.wait()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
