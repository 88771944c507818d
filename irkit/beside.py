"""Work on two cores: a part of it in a process of its own, as threads of Python take turns on one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
R = TypeVar("R")

WORTH = 64  # pieces; for fewer it does not pay to begin
_TURN = 4  # bytes
_TURNS = 8192  # as many as a pipe holds in any case: 64 kB, half of it


def shared(work: Callable[[T], R], todo: Sequence[T]) -> list[R]:
    """The results of `work` on each of `todo`, in order, made by this process and another in turns, if that pays.

    The other is a fork: it knows all that this one does, and what it changes but in files is lost. Results must pickle,
    and a piece may be worked on a second time. Raises what `work` raises. In this process alone where other threads
    run: they make a fork unsafe.
    """
    if len(todo) < WORTH or len(os.sched_getaffinity(0)) < 2 or threading.active_count() > 1:
        return [work(each) for each in todo]
    found: dict[int, R] = {}
    with _turns(len(todo)) as turns, _forked(work, todo, turns) as theirs:
        _take(work, todo, turns, found)
        found |= theirs()
    return [found[number] if number in found else work(each) for number, each in enumerate(todo)]


def _take(work: Callable[[T], R], todo: Sequence[T], turns: int, found: dict[int, R], parent: int = 0) -> None:
    """Work on what nobody has begun, until there is nothing left, or until the process `parent` (0: none) is gone."""
    step = _step(len(todo))
    while turn := os.read(turns, _TURN):
        first = int.from_bytes(turn) * step
        for number in range(first, min(first + step, len(todo))):
            if parent and os.getppid() != parent:
                return
            found[number] = work(todo[number])


def _step(pieces: int) -> int:
    return -(-pieces // _TURNS)


@contextmanager
def _turns(pieces: int) -> Iterator[int]:
    """A pipe that holds a turn for every `_step` pieces: whoever reads one has it for himself."""
    turns, full = os.pipe()
    try:
        os.write(full, b"".join(each.to_bytes(_TURN) for each in range(-(-pieces // _step(pieces)))))
        os.close(full)
        yield turns
    finally:
        os.close(turns)


@contextmanager
def _forked(work: Callable[[T], R], todo: Sequence[T], turns: int) -> Iterator[Callable[[], dict[int, R]]]:
    """Another process that takes turns; what is yielded waits for its results, none where it came to no end."""
    import multiprocessing  # small work need not pay for it

    fork = multiprocessing.get_context("fork")
    hear, say = fork.Pipe(duplex=False)
    process = fork.Process(target=_work, args=(work, todo, turns, os.getpid(), say), daemon=True)
    process.start()
    say.close()

    def results() -> dict[int, R]:
        try:
            found: dict[int, R] = hear.recv()
        except EOFError:
            return {}
        return found

    try:
        yield results
    finally:
        hear.close()
        process.terminate()
        process.join()
        process.close()


def _work(work: Callable[[T], R], todo: Sequence[T], turns: int, parent: int, say: Connection) -> None:
    """The other process. It ends when its parent does, and leaves it to its parent to be interrupted."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    found: dict[int, R] = {}
    with suppress(Exception):  # the parent works on what is missing, and meets what is wrong itself
        _take(work, todo, turns, found, parent)
    with suppress(Exception):  # not to be pickled, or nobody listens
        say.send(found)
