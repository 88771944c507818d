"""Half of the work in another process: the same results, whatever becomes of that process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from irkit.beside import WORTH, shared

TWO = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test runner has running beside is no work of ours."""
    others = threading.active_count() - 1
    count = threading.active_count
    monkeypatch.setattr(threading, "active_count", lambda: count() - others)


class Barrier:
    """Two processes, neither of which goes on before the other has come: each at its first piece."""

    def __init__(self) -> None:
        self._ends = [os.pipe(), os.pipe()]
        self._here, self._passed = os.getpid(), False

    def pass_once(self) -> None:
        if not self._passed:
            self._passed = True
            (hear, _), (_, say) = self._ends if os.getpid() == self._here else reversed(self._ends)
            os.write(say, b"x")
            os.read(hear, 1)


@pytest.mark.parametrize("pieces", [0, 1, WORTH - 1, WORTH, WORTH + 1, 3 * WORTH, 20_000])
def test_the_results_are_in_order(pieces: int) -> None:
    assert shared(lambda number: number * number, range(pieces)) == [number**2 for number in range(pieces)]


@TWO
def test_two_processes_take_turns() -> None:
    both = Barrier()

    def work(each: int) -> int:
        both.pass_once()
        return os.getpid()

    made = shared(work, range(3 * WORTH))
    assert len(set(made)) == 2
    assert os.getpid() in made


def test_little_work_stays_here() -> None:
    assert set(shared(lambda _: os.getpid(), range(WORTH - 1))) == {os.getpid()}


def test_all_work_stays_here_while_other_threads_run() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert set(shared(lambda _: os.getpid(), range(WORTH))) == {os.getpid()}
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("number", [0, 1, WORTH - 2, WORTH - 1])
def test_what_goes_wrong_is_raised_wherever_it_does(number: int) -> None:
    def work(each: int) -> int:
        if each == number:
            raise KeyError(each)
        return each

    with pytest.raises(KeyError, match=str(number)):
        shared(work, range(WORTH))


@TWO
def test_a_process_that_is_killed_costs_no_result() -> None:
    here, both = os.getpid(), Barrier()

    def work(each: int) -> int:
        both.pass_once()
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return each

    assert shared(work, range(WORTH)) == list(range(WORTH))


def test_what_does_not_pickle_costs_no_result() -> None:
    def later(each: int) -> Callable[[], int]:
        return lambda: each

    assert [each() for each in shared(later, range(WORTH))] == list(range(WORTH))


@TWO
def test_an_interrupted_one_leaves_no_process_behind() -> None:
    here = os.getpid()
    hear, say = os.pipe()
    beside: list[int] = []

    def work(each: int) -> int:
        if os.getpid() != here:
            os.write(say, str(os.getpid()).encode())
            threading.Event().wait(60)
            return each
        beside.append(int(os.read(hear, 20)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared(work, range(WORTH))
    with pytest.raises(ProcessLookupError):
        os.kill(beside[0], 0)
    for end in (hear, say):
        os.close(end)
