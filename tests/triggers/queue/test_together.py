"""Many at one queue at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import Fate, Placed
from tests.triggers.queue.hands import LEASE, item

T = TypeVar("T")
HANDS, EACH = 4, 25


def together(address: str, work: Callable[[Opened, int], T]) -> list[T]:
    """What each of some threads did, every one with a connection of its own."""

    def one(number: int) -> T:
        store = opened(address)
        try:
            return work(store, number)
        finally:
            store.close()

    with ThreadPoolExecutor(HANDS) as pool:
        return list(pool.map(one, range(HANDS)))


def test_opening_it_for_the_first_time(address: str) -> None:
    together(address, lambda store, _: store.desk.counts())


def test_a_storm_through_many_servers_makes_one_job(address: str) -> None:
    def storm(store: Opened, hand: int) -> list[Placed]:
        return [store.queue.put([item(f"{hand}-{number}", group="pod")])[0] for number in range(EACH)]

    placed = [one for some in together(address, storm) for one in some]
    assert Counter(one.fate for one in placed) == {Fate.NEW: 1, Fate.COALESCED: HANDS * EACH - 1}
    assert len({one.id for one in placed}) == 1


def test_the_same_delivery_through_many_servers_makes_one_job(address: str) -> None:
    def send(store: Opened, _: int) -> list[Placed]:
        return list(store.queue.put([item(f"k{number}") for number in range(EACH)]))

    placed = [one for some in together(address, send) for one in some]
    assert Counter(one.fate for one in placed) == {Fate.NEW: EACH, Fate.DUPLICATE: (HANDS - 1) * EACH}


def test_storms_that_are_worked_on_lose_nothing(address: str) -> None:
    def both(store: Opened, hand: int) -> list[Placed]:
        placed: list[Placed] = []
        for number in range(EACH):
            placed += store.queue.put([item(f"{hand}-{number}", group=f"pod-{number % 2}")])
            if job := store.queue.take(f"w{hand}", LEASE):
                store.queue.done(job)
        return placed

    placed = [one for some in together(address, both) for one in some]
    store = opened(address)
    entries = store.desk.ls(limit=1000)
    store.close()
    assert len(entries) == sum(one.new for one in placed)
    assert sum(entry.deliveries for entry in entries) == HANDS * EACH
    assert all(entry.attempts <= 1 for entry in entries)
