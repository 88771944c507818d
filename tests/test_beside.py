"""Work in several processes: the same results, whatever becomes of them."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable, Generator

import pytest

from irkit.beside import cores, process, shared
from tests.processes import children, open_files

TWO = pytest.mark.skipif(not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="one core")
HERE = os.getpid()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test runner has running beside is no work of ours."""
    others = threading.active_count() - 1
    count = threading.active_count
    monkeypatch.setattr(threading, "active_count", lambda: count() - others)


def all_of(work: Callable[[int], int], pieces: int, room: int = 8) -> list[int]:
    return list(shared(work, range(pieces), room))


@pytest.mark.parametrize("room", [1, 2, 3, 1000])
@pytest.mark.parametrize("pieces", [0, 1, 2, 3, 64, 1001])
def test_the_results_are_in_order(pieces: int, room: int) -> None:
    assert all_of(lambda number: number * number, pieces, room) == [number**2 for number in range(pieces)]


@TWO
def test_two_processes_take_turns() -> None:
    hear, say = os.pipe()

    def work(piece: int) -> int:
        if piece == 0:
            os.read(hear, 1)  # until another process works on the next
        elif piece == 1:
            os.write(say, b"x")
        return os.getpid()

    made = set(all_of(work, 64))
    assert len(made) > 1
    assert HERE not in made
    for end in (hear, say):
        os.close(end)


@TWO
def test_no_more_results_wait_than_there_is_room_for() -> None:
    hear, say = os.pipe()

    def work(piece: int) -> int:
        os.write(say, bytes([piece]))
        return piece

    found = shared(work, range(100), 4)
    assert [next(found) for _ in range(10)] == list(range(10))
    assert max(os.read(hear, 100)) < 9 + 4
    assert list(found) == list(range(10, 100))
    for end in (hear, say):
        os.close(end)


def test_all_work_stays_here_while_other_threads_run() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert cores() == 1
        assert set(all_of(lambda _: os.getpid(), 64)) == {HERE}
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("number", [0, 1, 62, 63])
def test_what_goes_wrong_is_raised_in_its_turn(number: int) -> None:
    def work(each: int) -> int:
        if each == number:
            raise KeyError(each)
        return each

    found: list[int] = []
    with pytest.raises(KeyError, match=str(number)):
        found.extend(shared(work, range(64), 8))
    assert found == list(range(number))


@pytest.mark.parametrize("killed", [{0}, {1}, {0, 1}, {5, 60}, set(range(64))], ids=str)
def test_a_process_that_is_killed_costs_no_result(killed: set[int]) -> None:
    def work(each: int) -> int:
        if os.getpid() != HERE and each in killed:
            os.kill(os.getpid(), signal.SIGKILL)
        return each

    assert all_of(work, 64) == list(range(64))


def test_what_does_not_pickle_costs_no_result() -> None:
    def later(each: int) -> Callable[[], int]:
        return lambda: each

    assert [each() for each in shared(later, range(64), 8)] == list(range(64))


def test_large_results_arrive_whole() -> None:
    assert list(shared(lambda each: bytes([each]) * 5_000_000, range(6), 2)) == [
        bytes([n]) * 5_000_000 for n in range(6)
    ]


@TWO
@pytest.mark.parametrize("ending", [KeyboardInterrupt, GeneratorExit])
def test_no_process_is_left_behind(ending: type[BaseException]) -> None:
    before = children()

    def work(each: int) -> int:
        if each:
            threading.Event().wait(60)
        return each

    def taken() -> Generator[int]:
        yield from shared(work, range(64), 8)

    found = taken()
    assert next(found) == 0
    assert len(children() - before) == len(os.sched_getaffinity(0))
    with pytest.raises(ending):
        found.throw(ending)
    assert children() <= before


@TWO
def test_they_end_when_their_parent_is_killed() -> None:
    """Each holds the other end of a pipe, which is closed when the last of them is gone."""
    hear, say = os.pipe()
    ready, tell = os.pipe()

    def work(each: int) -> int:
        os.write(tell, b"x")
        return each

    parent = os.fork()
    if not parent:
        os.close(hear)
        list(map(lambda _: threading.Event().wait(60), shared(work, range(64), 8)))
        os._exit(0)
    os.close(say)
    assert os.read(ready, 1) == b"x"
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert os.read(hear, 1) == b""
    for end in (hear, ready, tell):
        os.close(end)


@TWO
def test_one_that_has_hardly_begun_is_ended_too() -> None:
    """A handler of the parent's, as coverage has one, must not catch what ends the child."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        for _ in range(50):
            with process(lambda: None if threading.Event().wait(60) else None):
                pass
            assert next(shared(lambda each: each, range(64), 8)) == 0
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_process_beside_ends_with_what_it_was_for() -> None:
    def work() -> None:
        threading.Event().wait(60)

    before = children()
    with process(work):
        assert len(children() - before) == 1
    assert children() <= before


@TWO
@pytest.mark.parametrize("allowed", [0, 1])
def test_where_no_more_processes_are_allowed_those_there_are_do(monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
    fork = os.fork
    made: list[int] = []

    def limited() -> int:
        if len(made) == allowed:
            raise BlockingIOError
        made.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", limited)
    who = set(all_of(lambda _: os.getpid(), 64))
    assert len(who) == 1
    assert (who == {HERE}) is (allowed == 0)


@TWO
def test_where_nobody_waits_for_processes_the_results_are_the_same() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert all_of(lambda each: each, 64) == list(range(64))
    finally:
        signal.signal(signal.SIGCHLD, before)


@TWO
@pytest.mark.parametrize("missing", ["fork", "pipe"])
def test_what_cannot_be_had_costs_no_result_and_no_file_is_left_open(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    def none() -> None:
        raise OSError(errno.ENOMEM, "none to be had")

    before = open_files()
    monkeypatch.setattr(os, missing, none)
    assert all_of(lambda each: each, 64) == list(range(64))
    assert open_files() == before
