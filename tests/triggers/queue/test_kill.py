"""SIGKILL and SIGSTOP at real processes: what was acknowledged is done, and completed once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import State
from tests.triggers.queue.hands import LEASE, put
from tests.triggers.queue.worker import LEASE as SHORT

Process = subprocess.Popen[str]
FEEDERS, WORKERS = 2, 3


def start(*arguments: object) -> Process:
    command = [sys.executable, "-m", "tests.triggers.queue.worker", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill(process: Process) -> None:
    process.kill()
    process.communicate()


def lines(folder: Path, pattern: str) -> list[str]:
    return [line for log in folder.glob(pattern) for line in log.read_text().splitlines()]


class Crowd:
    """Feeders and workers that are killed and replaced."""

    def __init__(self, address: str, folder: Path, items: int) -> None:
        self.address, self.folder, self.each = address, folder, items // FEEDERS
        self.seats: list[Callable[[], Process]] = [
            *(self._seat("feed", number) for number in range(FEEDERS)),
            *(self._seat("work", number) for number in range(WORKERS)),
        ]
        self.processes = [seat() for seat in self.seats]

    def _seat(self, role: str, number: int) -> Callable[[], Process]:
        log = self.folder / f"{role}-{number}.log"
        log.touch()

        def take_seat() -> Process:
            span = (number * self.each, (number + 1) * self.each) if role == "feed" else ()
            return start(role, self.address, log, *span)

        return take_seat

    def kill(self, seat: int) -> None:
        kill(self.processes[seat])
        self.processes[seat] = self.seats[seat]()

    def fed(self) -> bool:
        return len(set(lines(self.folder, "feed-*.log"))) == self.each * FEEDERS


@contextmanager
def crowd(address: str, folder: Path, items: int) -> Iterator[Crowd]:
    made = Crowd(address, folder, items)
    try:
        yield made
    finally:
        for process in made.processes:
            kill(process)


def settled(store: Opened) -> bool:
    counts = store.desk.counts()
    return not counts[State.WAITING] + counts[State.LEASED]


def massacre(address: str, folder: Path, *, items: int, seconds: float) -> None:
    """Put `items` and work on them, killing somebody at random for `seconds`, then let the rest be done."""
    chance, killed = random.Random(7), 0  # noqa: S311 - a die, not a secret
    store = opened(address)
    with crowd(address, folder, items) as people:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(chance.uniform(0.05, 0.4))  # the moment of death is what chance decides
            people.kill(chance.randrange(len(people.seats)))
            killed += 1
        deadline = time.monotonic() + 180
        while not (people.fed() and settled(store)):
            assert time.monotonic() < deadline, store.desk.counts()
            assert all(one.poll() in (None, 0) for one in people.processes)
            time.sleep(0.05)  # other processes do the work; the store is all there is to look at

    acknowledged = set(lines(folder, "feed-*.log"))
    entries = store.desk.ls(limit=items + 1)
    store.close()
    assert {entry.key for entry in entries} == acknowledged
    assert len(entries) == items
    assert {entry.state for entry in entries} == {State.DONE}
    confirmed = lines(folder, "work-*.log")
    assert max(Counter(line.split()[0] for line in confirmed).values()) == 1
    assert set(confirmed) <= {f"{entry.id} {entry.word}" for entry in entries}
    assert items - len(confirmed) <= killed


def test_killed_at_random(address: str, tmp_path: Path) -> None:
    massacre(address, tmp_path, items=600, seconds=4)


@pytest.mark.slow
def test_killed_at_random_for_a_minute(address: str, tmp_path: Path) -> None:
    massacre(address, tmp_path, items=4000, seconds=60)


def test_who_was_stopped_past_the_lease_completes_nothing(address: str) -> None:
    store = opened(address)
    job = put(store.queue, "k").id
    stalled = start("stall", address)
    assert stalled.stdout
    assert stalled.stdout.readline() == "taken\n"
    stalled.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 30
    while (heir := store.queue.take("heir", LEASE)) is None:
        assert time.monotonic() < deadline
        time.sleep(SHORT / timedelta(seconds=20))  # until the lease of a process that cannot speak runs out
    stalled.send_signal(signal.SIGCONT)
    assert stalled.communicate("\n", timeout=30)[0] == "lost\n"
    store.queue.done(heir, "heir")
    assert store.desk.show(job)[0].word == "heir"
    store.close()
