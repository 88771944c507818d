"""Who waits for work is woken by who brings it, and misses nothing between looking and waiting."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic

from irkit.triggers.queue.bell import Bell
from irkit.triggers.queue.opening import opened
from irkit.triggers.queue.protocol import Job
from irkit.triggers.queue.work import Finished, Worker
from tests.triggers.queue.hands import put


def test_a_ring_before_the_wait_is_not_missed() -> None:
    bell = Bell()
    seen = bell.rings
    bell.ring()
    began = monotonic()
    bell.wait(seen, 60)
    assert monotonic() - began < 30


def test_without_a_ring_it_is_only_a_nap() -> None:
    bell = Bell()
    bell.wait(bell.rings, 0.001)
    assert bell.rings == 0


def test_a_worker_that_waits_takes_what_is_rung_for(address: str) -> None:
    store, bell, stop, taken = opened(address), Bell(), Event(), Event()

    def handle(job: Job, lost: Event) -> Finished:
        taken.set()
        return Finished()

    worker = Worker(store.queue, "w", handle, bell=bell)
    thread = Thread(target=worker.run, args=(stop,))
    thread.start()
    put(store.queue, "k")
    bell.ring()
    assert taken.wait(20)
    stop.set()
    bell.ring()
    thread.join(20)
    store.close()
