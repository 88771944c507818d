"""A worker: what it takes it settles, whatever the handler does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Thread

import pytest

from irkit.errors import Refused
from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import Desk, Job, Queue, QueueError, State
from irkit.triggers.queue.work import Ending, Finished, Hopeless, Later, Worker, delay
from tests.triggers.queue.hands import LEASE, Turned, item, put

SHORT = timedelta(seconds=0.6)
PATIENCE = 30  # seconds


@pytest.fixture
def live(address: str) -> Iterator[Opened]:
    """A queue by the real clock."""
    made = opened(address)
    yield made
    made.close()


def test_what_the_handler_says_is_what_becomes_of_the_job(queue: Queue, desk: Desk, clock: Turned) -> None:
    endings: dict[str, Ending] = {
        "done": Finished("r-1"),
        "later": Later(LEASE, "busy"),
        "frozen": Later(LEASE, "frozen", counts=False),
        "dead": Hopeless("no such playbook"),
    }
    queue.put([item(key) for key in endings])
    worker = Worker(queue, "w", lambda job, _: endings[job.key])
    assert [worker.once() for _ in range(5)] == [True] * 4 + [False]
    assert {entry.key: (entry.state, entry.word, entry.attempts) for entry in desk.ls()} == {
        "done": (State.DONE, "r-1", 1),
        "later": (State.WAITING, "busy", 1),
        "frozen": (State.WAITING, "frozen", 0),
        "dead": (State.DEAD, "no such playbook", 1),
    }


@pytest.mark.parametrize("error", [Refused("not yours"), ZeroDivisionError("a defect")])
def test_a_handler_that_fails_is_tried_ever_later_and_then_no_more(
    queue: Queue, desk: Desk, clock: Turned, error: Exception
) -> None:
    def fails(job: Job, lost: Event) -> Ending:
        raise error

    put(queue, "k", attempts=3)
    worker, waits = Worker(queue, "w", fails), []
    while worker.once():
        (entry,) = desk.ls()
        waits.append(entry.due - clock())
        clock.turn(max(timedelta(0), entry.due - clock()))
    assert waits[:2] == [timedelta(seconds=5), timedelta(seconds=10)]
    assert (entry.state, entry.attempts) == (State.DEAD, 3)
    assert str(error) in entry.word


def test_delays_grow_to_a_limit() -> None:
    assert [delay(number).total_seconds() for number in (1, 2, 3, 7, 8, 1000)] == [5, 10, 20, 320, 600, 600]


def test_a_job_is_held_for_as_long_as_it_takes(live: Opened) -> None:
    put(live.queue, "k")
    seen = Event()

    def slow(job: Job, lost: Event) -> Ending:
        assert not lost.wait(SHORT.total_seconds() * 2.5)
        assert live.queue.take("thief", LEASE) is None
        seen.set()
        return Finished()

    assert Worker(live.queue, "w", slow, lease=SHORT).once()
    assert seen.is_set()
    assert live.desk.ls()[0].state is State.DONE


def test_who_lost_the_lease_is_told_and_settles_nothing(live: Opened) -> None:
    put(live.queue, "k")

    def robbed(job: Job, lost: Event) -> Ending:
        live.queue.fail(job, "an operator took it away", timedelta(0), counts=False)
        heir = live.queue.take("heir", LEASE)
        assert heir
        assert lost.wait(PATIENCE)
        return Finished("mine")

    assert Worker(live.queue, "w", robbed, lease=SHORT).once()
    entry = live.desk.ls()[0]
    assert (entry.state, entry.worker) == (State.LEASED, "heir")


def test_who_cannot_reach_the_queue_stops_before_another_may_have_the_job(live: Opened) -> None:
    put(live.queue, "k")

    def cut_off(job: Job, lost: Event) -> Ending:
        began = time.monotonic()
        rename(live, "irkit_job", "away")
        assert lost.wait(PATIENCE)
        assert time.monotonic() - began > SHORT.total_seconds() / 2
        rename(live, "away", "irkit_job")
        return Finished()

    Worker(live.queue, "w", cut_off, lease=SHORT).once()


def rename(store: Opened, table: str, name: str) -> None:
    with store.door.writing() as made:
        made.change(f"ALTER TABLE {table} RENAME TO {name}")


def test_it_works_until_it_is_stopped_and_only_on_its_kinds(live: Opened) -> None:
    live.queue.put([item("a"), item("s", kind="scan"), item("b")])
    stop, keys = Event(), list[str]()

    def handle(job: Job, lost: Event) -> Ending:
        keys.append(job.key)
        if len(keys) == 2:
            stop.set()
        return Finished()

    thread = Thread(target=Worker(live.queue, "w", handle, kinds=["alert"]).run, args=(stop,))
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert keys == ["a", "b"]


def test_a_queue_that_refuses_is_asked_again(live: Opened) -> None:
    put(live.queue, "k")
    stop = Event()

    class Flaky(Worker):
        """One whose first look at the queue fails."""

        tries: list[int] = []

        def once(self) -> bool:
            self.tries.append(1)
            if len(self.tries) == 1:
                raise QueueError("gone")
            return super().once()

    def handle(job: Job, lost: Event) -> Ending:
        stop.set()
        return Finished()

    Flaky(live.queue, "w", handle).run(stop)
    assert live.desk.ls()[0].state is State.DONE
