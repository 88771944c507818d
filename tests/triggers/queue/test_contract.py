"""What every queue does, whatever it is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from irkit.errors import UsageError
from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import Desk, Fate, Item, LeaseLost, Placed, Queue, QueueError, State
from tests.triggers.queue.hands import LEASE, START, Turned, item, put, take

SECOND, AT_ONCE = timedelta(seconds=1), timedelta(0)


def state(desk: Desk, job: int) -> State:
    return desk.show(job)[0].state


def test_what_is_put_is_taken_once_in_order(queue: Queue) -> None:
    bodies = [bytes(range(256)), b"", "späßchen".encode()]
    placed = queue.put([item(f"k{number}", body=body) for number, body in enumerate(bodies)])
    assert [one.fate for one in placed] == [Fate.NEW] * 3
    taken = [take(queue) for _ in bodies]
    assert [(job.id, job.key, job.body) for job in taken] == [
        (one.id, f"k{number}", body) for number, (one, body) in enumerate(zip(placed, bodies, strict=True))
    ]
    assert {job.created for job in taken} == {START}
    assert queue.take("w1", LEASE) is None


def test_the_same_key_is_the_same_job_even_when_done(queue: Queue) -> None:
    first = put(queue, "k")
    assert put(queue, "k") == Placed(first.id, Fate.DUPLICATE)
    queue.done(take(queue))
    assert put(queue, "k") == Placed(first.id, Fate.DUPLICATE)
    assert queue.take("w1", LEASE) is None


def test_another_kind_may_use_the_same_key(queue: Queue) -> None:
    assert all(placed.new for placed in queue.put([item("k", kind="alert"), item("k", kind="scan")]))


def test_a_storm_joins_the_open_job_of_its_group(queue: Queue, desk: Desk) -> None:
    first = put(queue, "k0", group="pod", body=b"0")
    assert put(queue, "k1", group="pod", body=b"1") == Placed(first.id, Fate.COALESCED)
    job = take(queue)
    assert put(queue, "k2", group="pod", body=b"2") == Placed(first.id, Fate.COALESCED)
    assert put(queue, "k1", group="pod") == Placed(first.id, Fate.DUPLICATE)
    entry, deliveries = desk.show(first.id)
    assert (entry.deliveries, [one.body for one in deliveries]) == (3, [b"0", b"1", b"2"])
    assert job.body == b"0"
    queue.done(job)
    assert put(queue, "k3", group="pod").new


def test_items_of_one_delivery_join_each_other(queue: Queue) -> None:
    first, second, other = queue.put([item("a", group="pod"), item("b", group="pod"), item("c", group="else")])
    assert (first.new, second, other.new) == (True, Placed(first.id, Fate.COALESCED), True)


def test_groups_are_of_one_kind(queue: Queue) -> None:
    assert all(one.new for one in queue.put([item("a", group="g", kind="x"), item("b", group="g", kind="y")]))


def test_all_items_or_none(queue: Queue, desk: Desk) -> None:
    broken = Item("alert", "b", None)  # type: ignore[arg-type]
    with pytest.raises(QueueError):
        queue.put([item("a"), broken])
    assert desk.ls() == ()
    assert put(queue, "a").new


def test_not_before_its_time(queue: Queue, clock: Turned) -> None:
    queue.put([Item("alert", "k", b"", not_before=START + SECOND)])
    assert queue.take("w1", LEASE) is None
    clock.turn(SECOND)
    assert take(queue).key == "k"


def test_a_clock_that_is_set_back_puts_nothing_off(queue: Queue, clock: Turned) -> None:
    put(queue, "first")
    put(queue, "second")
    (later,) = queue.put([replace(item("later"), not_before=clock() + SECOND)])
    held = take(queue)
    clock.turn(-timedelta(hours=2))
    assert take(queue).key == "second"
    assert take(queue).key == "first"  # whoever held it is taken for dead, and fenced off
    with pytest.raises(LeaseLost):
        queue.done(held)
    assert queue.take("w1", LEASE) is None
    clock.turn(timedelta(hours=2) + SECOND)
    assert {take(queue).id for _ in range(3)} >= {later.id}


def test_a_clock_that_is_set_back_a_little_takes_a_job_from_nobody(queue: Queue, clock: Turned) -> None:
    put(queue, "k")
    held = take(queue)
    clock.turn(-timedelta(minutes=5))
    assert queue.take("w2", LEASE) is None
    queue.done(queue.beat(held, LEASE))


def test_only_the_kinds_asked_for(queue: Queue) -> None:
    queue.put([item("a", kind="alert"), item("s", kind="scan")])
    assert queue.take("w1", LEASE, ["repair"]) is None
    job = queue.take("w1", LEASE, ["repair", "scan"])
    assert job is not None
    assert job.kind == "scan"


def test_a_lease_is_held_by_beating(queue: Queue, clock: Turned) -> None:
    put(queue, "k")
    job = take(queue)
    assert job.expires == START + LEASE
    for _ in range(3):
        clock.turn(LEASE - SECOND)
        job = queue.beat(job, LEASE)
    assert job.expires == clock() + LEASE
    assert queue.take("w2", LEASE) is None
    queue.done(job)


def test_who_lost_the_lease_is_fenced_off(queue: Queue, desk: Desk, clock: Turned) -> None:
    put(queue, "k")
    stalled = take(queue, "w1")
    clock.turn(LEASE)
    heir = take(queue, "w2")
    assert (heir.id, heir.attempts) == (stalled.id, 2)
    assert heir.token > stalled.token
    with pytest.raises(LeaseLost):
        queue.beat(stalled, LEASE)
    with pytest.raises(LeaseLost):
        queue.done(stalled)
    with pytest.raises(LeaseLost):
        queue.fail(stalled, "too late")
    assert desk.show(heir.id)[0].worker == "w2"
    queue.done(heir, "run r-1")
    assert desk.show(heir.id)[0].word == "run r-1"


def test_a_lease_that_ran_out_is_lost_even_if_nobody_took_the_job(queue: Queue, desk: Desk, clock: Turned) -> None:
    put(queue, "k")
    job = take(queue)
    clock.turn(LEASE)
    with pytest.raises(LeaseLost):
        queue.done(job)
    assert state(desk, job.id) is State.LEASED


def test_done_is_done_once(queue: Queue) -> None:
    put(queue, "k")
    job = take(queue)
    queue.done(job)
    with pytest.raises(LeaseLost):
        queue.done(job)


def test_a_failed_job_comes_again_at_the_time_given(queue: Queue, desk: Desk, clock: Turned) -> None:
    put(queue, "k")
    job = take(queue)
    assert queue.fail(job, "no answer", SECOND) is State.WAITING
    assert desk.show(job.id)[0].word == "no answer"
    assert queue.take("w1", LEASE) is None
    clock.turn(SECOND)
    again = take(queue)
    assert again.attempts == 2
    with pytest.raises(LeaseLost):
        queue.done(job)


def test_how_long_a_job_is_put_off_is_counted_by_the_queues_clock(queue: Queue, desk: Desk, clock: Turned) -> None:
    put(queue, "k")
    job = take(queue)
    clock.turn(SECOND)
    assert queue.fail(job, "no answer", LEASE) is State.WAITING
    assert desk.show(job.id)[0].due == START + SECOND + LEASE
    clock.turn(LEASE)
    assert take(queue).id == job.id


def test_the_last_attempt_makes_a_dead_letter(queue: Queue, desk: Desk, clock: Turned) -> None:
    put(queue, "k", attempts=2)
    assert queue.fail(take(queue), "first", AT_ONCE) is State.WAITING
    job = take(queue)
    assert queue.fail(job, "second", AT_ONCE) is State.DEAD
    entry, _ = desk.show(job.id)
    assert (entry.state, entry.word, entry.settled) == (State.DEAD, "second", START)


def test_failing_for_good_makes_a_dead_letter_at_once(queue: Queue, desk: Desk) -> None:
    put(queue, "k")
    job = take(queue)
    assert queue.fail(job, "no such playbook") is State.DEAD
    assert queue.take("w1", LEASE) is None


def test_a_job_that_kills_its_workers_dies(queue: Queue, desk: Desk, clock: Turned) -> None:
    put(queue, "poison", attempts=2)
    job = take(queue)
    clock.turn(LEASE)
    assert take(queue).id == job.id
    clock.turn(LEASE)
    put(queue, "good")
    assert take(queue).key == "good"
    entry, _ = desk.show(job.id)
    assert entry.state is State.DEAD
    assert "lease" in entry.word


def test_putting_off_uses_up_no_attempt(queue: Queue, clock: Turned) -> None:
    put(queue, "k", attempts=1)
    for _ in range(3):
        job = take(queue)
        assert queue.fail(job, "frozen", AT_ONCE, counts=False) is State.WAITING
    again = take(queue)
    assert (again.attempts, again.token) == (1, job.token + 1)


def test_what_is_not_understood_is_kept_as_a_dead_letter(queue: Queue, desk: Desk) -> None:
    (placed,) = queue.put([Item("alert", "k", b"\xff{", dead="not JSON")])
    assert placed.new
    assert queue.take("w1", LEASE) is None
    entry, (delivery,) = desk.show(placed.id)
    assert (entry.state, entry.word, delivery.body) == (State.DEAD, "not JSON", b"\xff{")
    assert put(queue, "k") == Placed(placed.id, Fate.DUPLICATE)


@pytest.mark.parametrize("hostile", ["a\x00b", "\x1b[2J", "\ud800", "x" * 10_000, "\u202e"])
def test_hostile_names_are_taken(queue: Queue, desk: Desk, hostile: str) -> None:
    hostile_item = Item(hostile, hostile, b"", hostile)
    (first,) = queue.put([hostile_item])
    assert first.new
    assert queue.put([hostile_item])[0].fate is Fate.DUPLICATE
    job = queue.take(hostile, LEASE, [hostile])
    assert job is not None
    assert queue.fail(job, hostile) is State.DEAD
    entry, _ = desk.show(job.id)
    assert all(text.isprintable() and len(text) <= 1000 for text in (entry.key, entry.group, entry.worker, entry.word))


def test_long_names_that_begin_alike_stay_apart(queue: Queue) -> None:
    assert all(one.new for one in queue.put([item("x" * 9_999 + end) for end in "ab"]))


def test_it_is_all_there_after_opening_it_again(store: Opened, address: str, clock: Turned) -> None:
    placed = put(store.queue, "k")
    token = take(store.queue).token
    store.close()
    again = opened(address, clock)
    assert put(again.queue, "k") == Placed(placed.id, Fate.DUPLICATE)
    clock.turn(LEASE)
    assert take(again.queue).token == token + 1
    again.close()


def test_a_clock_of_its_own_when_none_is_given(address: str) -> None:
    store = opened(address)
    put(store.queue, "k")
    job = take(store.queue)
    assert store.queue.beat(job, LEASE).expires >= job.expires
    store.queue.done(job)
    store.close()


def test_an_address_of_no_queue_is_refused() -> None:
    for wrong in ("queue.db", "sqlite://relative.db", "redis://localhost"):
        with pytest.raises(UsageError):
            opened(wrong)
