"""Work on two cores: half of it in a process of its own, as threads of Python take turns on one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
R = TypeVar("R")

WORTH = 64  # pieces; for fewer it does not pay to begin


def shared(work: Callable[[T], R], todo: Sequence[T]) -> list[R]:
    """The results of `work` on each of `todo`, in order; every second one made by another process, if that pays.

    That process is a fork: it knows all that this one does, and what it changes but in files is lost. Results must
    pickle, and a piece may be worked on a second time. Raises what `work` raises. In this process alone where other
    threads run: they make a fork unsafe.
    """
    if len(todo) < WORTH or len(os.sched_getaffinity(0)) < 2 or threading.active_count() > 1:
        return [work(each) for each in todo]
    with _forked(work, todo[1::2]) as theirs:
        mine = [work(each) for each in todo[::2]]
        others = theirs()
    if others is None:
        others = [work(each) for each in todo[1::2]]
    return list(chain.from_iterable(zip_longest(mine, others)))[: len(todo)]


@contextmanager
def _forked(work: Callable[[T], R], todo: Sequence[T]) -> Iterator[Callable[[], list[R] | None]]:
    """Another process at work on `todo`; what is yielded waits for its results: None where it came to no end."""
    import multiprocessing  # small work need not pay for it

    fork = multiprocessing.get_context("fork")
    hear, say = fork.Pipe(duplex=False)
    process = fork.Process(target=_work, args=(work, todo, os.getpid(), say), daemon=True)
    process.start()
    say.close()

    def results() -> list[R] | None:
        try:
            found: list[R] = hear.recv()
        except EOFError:
            return None
        return found

    try:
        yield results
    finally:
        hear.close()
        process.terminate()
        process.join()
        process.close()


def _work(work: Callable[[T], R], todo: Sequence[T], parent: int, say: Connection) -> None:
    """The other process. It ends when its parent does, and leaves it to its parent to be interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    found = []
    with suppress(Exception):  # the parent works on these again, and meets what is wrong itself
        for each in todo:
            if os.getppid() != parent:
                return
            found.append(work(each))
        say.send(found)
