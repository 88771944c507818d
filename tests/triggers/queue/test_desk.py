"""What people do with every queue."""

from __future__ import annotations

from datetime import timedelta

import pytest

from irkit.errors import Refused, UsageError
from irkit.triggers.queue.protocol import Desk, Fate, LeaseLost, Queue, State
from tests.triggers.queue.hands import START, Turned, item, put, take

DAY = timedelta(days=1)


def test_the_newest_first_and_by_state(queue: Queue, desk: Desk) -> None:
    for key in ("a", "b", "c"):
        put(queue, key)
    queue.done(take(queue))
    queue.fail(take(queue), "no")
    held = take(queue)
    put(queue, "d")
    assert [(entry.key, entry.state) for entry in desk.ls()] == [
        ("d", State.WAITING),
        ("c", State.LEASED),
        ("b", State.DEAD),
        ("a", State.DONE),
    ]
    assert [entry.key for entry in desk.ls([State.DEAD, State.DONE])] == ["b", "a"]
    assert [entry.key for entry in desk.ls(limit=1)] == ["d"]
    assert desk.counts() == {State.WAITING: 1, State.LEASED: 1, State.DONE: 1, State.DEAD: 1}
    assert desk.show(held.id)[0].expires == held.expires


def test_an_empty_queue_counts_nothing(desk: Desk) -> None:
    assert set(desk.counts().values()) == {0}


def test_nothing_is_shown_of_what_is_not_there(desk: Desk) -> None:
    for ask in (desk.show, desk.retry, desk.replay):
        for job in (7, 10**22):  # the second is more than either database can hold
            with pytest.raises(UsageError):
                ask(job)
    assert desk.ls(limit=10**22) == ()


def test_a_dead_letter_is_tried_again(queue: Queue, desk: Desk) -> None:
    put(queue, "k", attempts=1)
    dead = take(queue)
    queue.fail(dead, "no")
    entry = desk.retry(dead.id)
    assert (entry.state, entry.attempts, entry.settled) == (State.WAITING, 0, None)
    again = take(queue)
    assert (again.id, again.attempts) == (dead.id, 1)
    assert again.token > dead.token
    with pytest.raises(LeaseLost):
        queue.done(dead)
    with pytest.raises(Refused):
        desk.retry(dead.id)


def test_a_settled_job_is_played_again_as_a_new_one(queue: Queue, desk: Desk) -> None:
    put(queue, "k", group="g", body=b"first")
    put(queue, "k2", group="g", body=b"joined")
    held = take(queue)
    with pytest.raises(Refused):
        desk.replay(held.id)
    queue.done(held)
    (original,) = desk.ls()
    replayed = desk.replay(original.id)
    assert (replayed.replay_of, replayed.state, replayed.group) == (original.id, State.WAITING, "g")
    assert take(queue).body == b"first"
    assert desk.show(original.id)[0] == original


def test_a_group_stays_at_one_open_job(queue: Queue, desk: Desk) -> None:
    put(queue, "k", group="g")
    dead = take(queue)
    queue.fail(dead, "no")
    put(queue, "k2", group="g")
    for ask in (desk.retry, desk.replay):
        with pytest.raises(Refused, match="same group"):
            ask(dead.id)


def test_what_is_done_is_forgotten_in_time(queue: Queue, desk: Desk, clock: Turned) -> None:
    queue.put([item(key) for key in ("done", "dead", "open")])
    queue.done(take(queue))
    queue.fail(take(queue), "no")
    clock.turn(DAY)
    assert desk.forget(START) == 0
    assert desk.forget(START + DAY) == 1
    assert put(queue, "done").new
    assert put(queue, "dead").fate is Fate.DUPLICATE
    assert desk.forget(START + DAY, dead=True) == 1
    assert sorted(entry.key for entry in desk.ls()) == ["done", "open"]
