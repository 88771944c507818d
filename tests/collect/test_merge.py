from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from threading import Barrier, Event, Thread, current_thread

import pytest

from irkit.collect.merge import merge


def test_all_that_all_yield() -> None:
    tasks = [partial(range, 10 * start, 10 * start + 10) for start in range(20)]
    assert sorted(merge(tasks, workers=3)) == list(range(200))


def test_nothing_to_do() -> None:
    assert list(merge([], workers=3)) == []


def test_as_many_run_together_as_there_are_workers() -> None:
    together = Barrier(3, timeout=20)

    def task() -> Iterator[int]:
        yield together.wait()

    assert sorted(merge([task] * 3, workers=3)) == [0, 1, 2]


def test_what_comes_first_is_yielded_first() -> None:
    go = Event()

    def slow() -> Iterator[str]:
        go.wait(20)
        yield "slow"

    run = merge([slow, lambda: iter(["quick"])], workers=2)
    assert next(run) == "quick"
    go.set()
    assert list(run) == ["slow"]


def test_what_hangs_is_given_up() -> None:
    go = Event()

    def hangs() -> Iterator[str]:
        yield "begun"
        go.wait(20)

    tasks = [lambda: iter(["whole"]), hangs, lambda: iter(["never begun"])]
    found = list(merge(tasks, workers=2, patience=0.3, late=lambda number: [f"late {number}"]))
    go.set()
    assert sorted(found) == ["begun", "late 1", "never begun", "whole"]


def test_an_error_ends_the_merge() -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(merge([fails], workers=1))


def test_threads_stay_while_anything_is_merged_and_then_go() -> None:
    """A process that is to fork afterwards must be alone."""
    before = set(threading.enumerate())
    used: set[Thread] = set()

    def task() -> Iterator[int]:
        used.add(current_thread())
        yield from merge([partial(range, 3)] * 2, workers=2)

    assert sum(merge([task] * 50, workers=2)) == 50 * 6
    assert len(used) <= 2
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive()
