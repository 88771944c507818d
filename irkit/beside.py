"""Work on every core: in processes of their own, as threads of Python take turns on one."""

from __future__ import annotations

import fcntl
import os
import pickle
import select
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from io import BufferedWriter, FileIO
from typing import NoReturn, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_IN_HAND = 2  # pieces that one process was given: it never waits for the next
_NUMBER, _SIZE = 4, 8  # bytes
_ENDING = (signal.SIGINT, signal.SIGTERM)
_PIPE = 1 << 20  # bytes that wait in a pipe, where the system allows so many


def cores() -> int:
    """How many processes can share work; 1 where a fork is unsafe: while other threads run, and on other systems."""
    linux = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if linux and threading.active_count() == 1 else 1


def shared(work: Callable[[T], R], todo: Sequence[T], room: int) -> Iterator[R]:
    """The results of `work` on each of `todo`, in order, made by as many processes as there are `cores`.

    They are forks: they know all that this one does, and what they change but in files is lost. Results must pickle;
    at most `room` of them wait for an earlier one. What a process brings to no end, because `work` raises or it is
    killed, this one begins anew, and meets what is wrong itself.
    """
    if cores() < 2:
        yield from map(work, todo)
        return
    given, found = 0, dict[int, R]()
    with _hands(work, todo) as hands:
        for number, piece in enumerate(todo):
            stop = min(number + room, len(todo))
            given = _give(hands, given, stop)
            while any(number in hand.has for hand in hands):
                _take(hands, found)
                given = _give(hands, given, stop)
            if number in found:
                yield found.pop(number)
            else:
                given = max(given, number + 1)
                yield work(piece)


@contextmanager
def process(work: Callable[[], None]) -> Iterator[None]:
    """`work` in a fork meanwhile, which is ended at the latest with what stands under this; for more `cores` than one.

    It leaves it to its parent to be interrupted. What the parent has yet to write or to clear away is not its own.
    """
    # Python forgets a signal that comes to a fork before it has begun: nobody would end it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        pid = os.fork()
        if not pid:
            _begin(work)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        yield
    finally:
        with suppress(ProcessLookupError, ChildProcessError):  # where SIGCHLD is ignored nobody has to be waited for
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


def _begin(work: Callable[[], None]) -> NoReturn:
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        work()
    finally:
        os._exit(0)


def pipe(ends: ExitStack) -> tuple[FileIO, FileIO]:
    """What to read from and what to write into, closed by `ends` at the latest; room for a MiB, where allowed."""
    reader, writer = (ends.enter_context(FileIO(end, mode)) for end, mode in zip(os.pipe(), "rw", strict=True))
    with suppress(OSError):
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE)
    return reader, writer


@dataclass(slots=True)
class _Hand:
    """A process at work: the pipe that tells it which pieces to take, and the one its results come from."""

    say: FileIO
    hear: FileIO
    has: deque[int] = field(default_factory=deque)  # numbers of pieces: the first is under way, the next waits


@contextmanager
def _hands(work: Callable[[T], R], todo: Sequence[T]) -> Iterator[list[_Hand]]:
    """As many processes as are worth it, or can be had. One that has come to an end is taken from the list."""
    hands: list[_Hand] = []
    with ExitStack() as ends:
        with suppress(OSError):  # no more processes, or no more files, can be had
            for _ in range(min(cores(), len(todo))):
                (told, say), (hear, result) = pipe(ends), pipe(ends)
                foreign = [say, hear, *(end for hand in hands for end in (hand.say, hand.hear))]
                ends.enter_context(process(partial(_work, work, todo, told, result, foreign)))
                told.close()
                result.close()
                hands.append(_Hand(say, hear))
        yield hands


def _give(hands: list[_Hand], first: int, stop: int) -> int:
    """Give out the pieces from `first` up to `stop` as long as somebody has room; returns the first not given."""
    while first < stop and hands and len((hand := min(hands, key=lambda one: len(one.has))).has) < _IN_HAND:
        hand.has.append(first)
        with suppress(BrokenPipeError):  # it is gone: `_take` learns so
            hand.say.write(first.to_bytes(_NUMBER))
        first += 1
    return first


def _take(hands: list[_Hand], found: dict[int, R]) -> None:
    """Wait until somebody brings a result, or comes to an end."""
    heard = select.poll()
    for hand in hands:
        heard.register(hand.hear, select.POLLIN)
    ready = {each for each, _ in heard.poll()}
    for hand in [one for one in hands if one.hear.fileno() in ready]:
        size = _read(hand.hear, _SIZE)
        result = _read(hand.hear, int.from_bytes(size or b""))
        if size is None or result is None:
            hands.remove(hand)
            continue
        number = hand.has.popleft()
        if result:
            found[number] = pickle.loads(result)  # noqa: S301 - of our own making


def _read(pipe: FileIO, size: int) -> bytes | None:
    """So many bytes; None where the other side comes to an end before."""
    data = bytearray()
    while len(data) < size:
        part = pipe.read(min(size - len(data), _PIPE))
        if not part:
            return None
        data += part
    return bytes(data)


def _work(work: Callable[[T], R], todo: Sequence[T], told: FileIO, result: FileIO, foreign: Iterable[FileIO]) -> None:
    """The other process: it ends when nobody is left who could give it a piece."""
    for end in foreign:  # or it would be this one itself
        end.close()
    with BufferedWriter(result) as out:
        while number := told.read(_NUMBER):
            made = b""
            with suppress(Exception):  # its parent begins this piece anew, and meets what is wrong
                made = pickle.dumps(work(todo[int.from_bytes(number)]), pickle.HIGHEST_PROTOCOL)
            out.write(len(made).to_bytes(_SIZE))
            out.write(made)
            out.flush()
