"""Many at once, as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TypeVar

T = TypeVar("T")


class _Hands:
    """Threads that stay for the next task: to start one costs as much as a request, and each pod takes four.

    They go when nobody merges any more: what comes after a capture may want to fork. Daemons: one that hangs in the
    resolver or the disk must not keep the process from ending.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._turn = Lock()
        self._free = self._merging = 0

    @contextmanager
    def hired(self) -> Iterator[None]:
        """Around a merge."""
        with self._turn:
            self._merging += 1
        try:
            yield
        finally:
            with self._turn:
                self._merging -= 1
                dismissed = 0 if self._merging else self._free
                self._free -= dismissed
            for _ in range(dismissed):
                self._work.put(None)

    def lend(self, work: Callable[[], None]) -> None:
        """Do `work`, which raises nothing, in a thread that is free, or in a new one."""
        with self._turn:
            free = self._free > 0
            self._free -= free
        if not free:
            Thread(target=self._serve, daemon=True).start()
        self._work.put(work)

    def _serve(self) -> None:
        while work := self._work.get():
            work()
            with self._turn:
                if not self._merging:
                    return
                self._free += 1


_HANDS = _Hands()


_Told = tuple[int, list[T], Exception | None, bool]  # by which task, what it found, what went wrong, whether it ended


def _told(number: int, task: Callable[[], Iterable[T]]) -> Iterator[_Told[T]]:
    try:
        found = task()
        if isinstance(found, list):
            yield number, found, None, True
            return
        for each in found:
            yield number, [each], None, False
        yield number, [], None, True
    except Exception as error:
        yield number, [], error, True


def merge(
    tasks: Sequence[Callable[[], Iterable[T]]],
    *,
    workers: int,
    patience: float | None = None,
    late: Callable[[int], Iterable[T]] = lambda _: (),
) -> Iterator[T]:
    """What all tasks yield, as soon as one of them yields it; at most `workers` run at a time, started in order.

    What a task returns in a list comes as one, with its end: to wake who waits costs as much as to find a small thing.

    After `patience` seconds (None: no end) every task that has not ended is given up: `late(its index)` is yielded in
    its place, and what it may still yield is lost. A task that raises ends the merge with its error.
    """
    end = time.monotonic() + patience if patience is not None else None
    results: SimpleQueue[_Told[T]] = SimpleQueue()
    numbers = count()

    def work() -> None:
        while (number := next(numbers)) < len(tasks):
            for told in _told(number, tasks[number]):
                results.put(told)

    running = set(range(len(tasks)))
    with _HANDS.hired():
        for _ in range(min(workers, len(tasks))):
            _HANDS.lend(work)
        while running:
            try:
                left = None if end is None else max(0, end - time.monotonic())
                number, found, error, ended = results.get(timeout=left)
            except Empty:
                yield from chain.from_iterable(late(number) for number in sorted(running))
                return
            if error:
                raise error
            yield from found
            running -= {number} if ended else set()
