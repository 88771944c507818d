"""Many at once, as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count
from queue import Empty, SimpleQueue
from threading import Semaphore, Thread
from typing import TypeVar

T = TypeVar("T")


class _Hands:
    """Threads that stay for the next task: to start one costs as much as a request, and each pod takes four.

    Daemons: one that hangs in the resolver or the disk must not keep the process from ending.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._free = Semaphore(0)

    def lend(self, work: Callable[[], None]) -> None:
        """Do `work`, which raises nothing, in a thread that is free, or in a new one."""
        if not self._free.acquire(blocking=False):
            Thread(target=self._serve, daemon=True).start()
        self._work.put(work)

    def _serve(self) -> None:
        while True:
            self._work.get()()
            self._free.release()


_HANDS = _Hands()


def merge(
    tasks: Sequence[Callable[[], Iterable[T]]],
    *,
    workers: int,
    patience: float | None = None,
    late: Callable[[int], Iterable[T]] = lambda _: (),
) -> Iterator[T]:
    """What all tasks yield, as soon as one of them yields it; at most `workers` run at a time, started in order.

    After `patience` seconds (None: no end) every task that has not ended is given up: `late(its index)` is yielded in
    its place, and what it may still yield is lost. A task that raises ends the merge with its error.
    """
    end = time.monotonic() + patience if patience is not None else None
    results: SimpleQueue[tuple[int, list[T], Exception | None, bool]] = SimpleQueue()
    numbers = count()

    def work() -> None:
        while (number := next(numbers)) < len(tasks):
            try:
                for found in tasks[number]():
                    results.put((number, [found], None, False))
                results.put((number, [], None, True))
            except Exception as error:
                results.put((number, [], error, True))

    for _ in range(min(workers, len(tasks))):
        _HANDS.lend(work)
    running = set(range(len(tasks)))
    while running:
        try:
            number, found, error, ended = results.get(timeout=None if end is None else max(0, end - time.monotonic()))
        except Empty:
            yield from chain.from_iterable(late(number) for number in sorted(running))
            return
        if error:
            raise error
        yield from found
        running -= {number} if ended else set()
