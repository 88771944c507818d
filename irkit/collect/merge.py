"""Many at once, as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


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

    # Daemons: a thread that hangs in the resolver or the disk must not keep the process from ending.
    for _ in range(min(workers, len(tasks))):
        Thread(target=work, daemon=True).start()
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
