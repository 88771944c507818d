"""Workers in threads of this process, which begin no further job once they are asked to stop."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from irkit.triggers.orders.act import Actor
from irkit.triggers.orders.order import KIND
from irkit.triggers.orders.overdue import Overdue
from irkit.triggers.queue.bell import Bell
from irkit.triggers.queue.protocol import Queue
from irkit.triggers.queue.work import LEASE, Worker

Run = Callable[[Event], None]  # goes on until the event is set


@dataclass(frozen=True, slots=True)
class Crew:
    """So many workers that do the same, and look whenever `bell` rings.

    `namespace`: where quarantines are ended in time; None: in all.
    """

    actor: Actor
    workers: int = 1
    lease: timedelta = LEASE
    bell: Bell = field(default_factory=Bell)
    namespace: str | None = None

    @contextmanager
    def working(self, queue: Queue) -> Iterator[None]:
        """They work while the block lasts, and look for quarantines to end; what is in hand then goes on to its end.

        A second interrupt does not wait for that: the run is gone on with at the next start.
        """
        team = f"{socket.gethostname()}/{os.getpid()}"
        workers = [self._worker(queue, f"{team}/{number}") for number in range(1, self.workers + 1)]
        with at_work({worker.name: worker.run for worker in workers} | {f"{team}/ttl": self._ttl(queue)}, self.bell):
            yield

    def _worker(self, queue: Queue, name: str) -> Worker:
        return Worker(queue, name, self.actor.act, (KIND,), self.lease, self.bell)

    def _ttl(self, queue: Queue) -> Run:
        return lambda stop: Overdue(self.actor.cluster, queue, self.bell, self.namespace, self.actor.clock, stop).run()


@contextmanager
def at_work(runs: Mapping[str, Run], bell: Bell) -> Iterator[None]:
    """These go on, by name, each in a thread of its own, while the block lasts; then what is in hand to its end.

    `bell`: what they listen to while they have nothing to do.
    """
    stop = Event()
    # Daemons, so that nothing holds up a process that was told twice to end.
    threads = [Thread(target=run, args=(stop,), name=name, daemon=True) for name, run in runs.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        bell.ring()
        for thread in threads:
            thread.join()


def until_told() -> None:
    """Wait, in the main thread, for SIGINT or SIGTERM; the next one interrupts whatever goes on then."""
    told = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    told.wait()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
