"""SHA-256 of files that pass one after the other: many side by side, beside the work of whoever passes them.

The blocks of one file must be hashed one after the other: OpenSSL does 370 MB/s on a core without SHA instructions.
But its vector registers hold the blocks of sixteen files: 2,200 MB/s in all lanes, 1,200 in eight, 640 in four, 140 in
one (AVX-512). So files of middle size wait until there is no more room, and then go forward together, a lane each. As
new ones come in only as fast as old ones go, they soon stand at different places, and twice as many are at work as
would fit in whole. Tiny files are hashed where they pass, large ones by OpenSSL as they come.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from types import TracebackType
from typing import Protocol, Self

from stringzilla import Sha256, Sha256s

ROOM = 80 << 20  # bytes that wait at most: logs of 10 MiB, at which the kubelet rotates them, keep all lanes at work
TINY = 64 << 10  # bytes; below, what a lane costs besides is as much as it saves
_LANES = 16
_FEW = 4  # lanes; in two OpenSSL is faster
_AHEAD = 8  # chunks on their way to the thread
_NOTHING = memoryview(b"")


class _Hasher(Protocol):
    def update(self, data: bytes, /) -> object: ...
    def hexdigest(self) -> str: ...


@cache
def faster() -> bool:
    """Whether lanes are half as fast again as OpenSSL here: hardly, where a processor has instructions for SHA-256.

    OpenSSL does not tell whether it uses them, and for other processors stringzilla has other lanes: the clock decides,
    once, in a millisecond of this thread's own time, in which no other work counts. A wrong answer costs only speed.
    """
    sample, lanes = bytes(8 << 10), Sha256s(_LANES)
    alone = min(_seconds(lambda: [hashlib.sha256(sample) for _ in range(_LANES)]) for _ in range(3))
    return alone > 1.5 * min(_seconds(lambda: lanes.update([sample] * _LANES)) for _ in range(3))


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


class Sum:
    """Of one file: `sha256` in hex, empty until it is known."""

    __slots__ = ("sha256",)

    def __init__(self) -> None:
        self.sha256 = ""


class _File:
    """One that is not tiny, on its way."""

    __slots__ = ("alone", "pieces", "sum", "whole")

    def __init__(self, found: Sum) -> None:
        self.sum = found
        self.whole = False  # all of it has come
        self.alone: _Hasher | None = None  # None: it waits, or is in a lane
        self.pieces: deque[memoryview] = deque()  # what came and is not hashed

    @property
    def waiting(self) -> int:
        """Bytes."""
        return sum(map(len, self.pieces))

    @property
    def done(self) -> bool:
        return self.whole and not self.pieces

    def cut(self, most: int) -> memoryview:
        """The next `most` bytes, of one piece."""
        piece = self.pieces.popleft()
        if len(piece) > most:
            self.pieces.appendleft(piece[most:])
        return piece[:most]


class Lanes:
    """The hashing of files that pass one after the other, in the thread that calls."""

    def __init__(self, room: int = ROOM, faster: Callable[[], bool] = faster) -> None:
        self._room, self._faster = room, faster
        self._large = room // _FEW
        self._little = room // 20  # for less than 4 MiB it is not worth finding out whether lanes are faster
        self._held = 0  # bytes; a chunk that is half hashed, one in each lane, stays in memory with its other half
        self._last = _File(Sum())
        self._waiting: deque[_File] = deque()
        self._at: list[_File | None] = [None] * _LANES
        self._engine = Sha256s(_LANES)

    def begin(self, found: Sum, size: int) -> None:
        """A file of about `size` bytes, which decides how it is hashed; the one before is whole."""
        self._end(self._last)
        self._last = _File(found)
        if size > self._large:
            self._last.alone = hashlib.sha256()
        else:
            self._waiting.append(self._last)

    def take(self, chunk: bytes) -> None:
        """The next bytes of the file that began last."""
        if self._last.alone:
            self._last.alone.update(chunk)
        elif chunk:
            self._last.pieces.append(memoryview(chunk))
            self._held += len(chunk)
        if self._held > self._little and not self._faster():
            self._singly(len(self._waiting))
        while self._held > self._room:
            self._step()

    def finish(self) -> None:
        """Hash what waits: the longest first, so that none is left alone in a lane; one that would be gets no lane."""
        self._end(self._last)
        self._waiting = deque(sorted(self._waiting, key=lambda file: file.waiting, reverse=True))
        while self._waiting and not self._worth_it(self._waiting[0].waiting):
            self._singly(1)
        while self._waiting or any(self._at):
            self._step()

    def _end(self, file: _File) -> None:
        file.whole = True
        if file.alone:
            file.sum.sha256 = file.alone.hexdigest()

    def _worth_it(self, longest: int) -> bool:
        return self._held > max(self._little, _FEW * longest) and self._faster()

    def _singly(self, files: int) -> None:
        """Have the first `files` that wait hashed by OpenSSL."""
        for file in [self._waiting.popleft() for _ in range(files)]:
            file.alone = hashlib.sha256()
            for piece in file.pieces:
                file.alone.update(piece)
                self._held -= len(piece)
            file.pieces.clear()
            if file.whole:
                self._end(file)

    def _step(self) -> None:
        """Hash what all lanes have: pieces of one length, as stringzilla does what is longer one by one."""
        self._fill()
        most = min((len(file.pieces[0]) for file in self._at if file and file.pieces), default=0)
        pieces = [file.cut(most) if file and file.pieces else _NOTHING for file in self._at]
        self._engine.update(pieces)
        self._held -= sum(map(len, pieces))

    def _fill(self) -> None:
        for lane, file in enumerate(self._at):
            if file and file.done:
                file.sum.sha256, self._engine[lane] = self._engine[lane].hexdigest(), Sha256()
            if not file or file.done:
                self._at[lane] = self._waiting.popleft() if self._waiting else None


class Sums:
    """Lanes in a thread of their own, which a `with` ends: what passes is hashed beside what is done with it then.

    At most `room` bytes wait, besides sixteen chunks half hashed and eight on their way.
    """

    def __init__(self, room: int = ROOM, tiny: int = TINY, faster: Callable[[], bool] = faster) -> None:
        self._lanes, self._tiny = Lanes(room, faster), tiny
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sums")
        self._due: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def passing(self, found: Sum, size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The `chunks`, about `size` bytes in all; the file ends where the next begins."""
        return self._here(found, chunks) if size < self._tiny else self._beside(found, size, chunks)

    def finish(self) -> None:
        """Wait until every sum is known."""
        self._later(self._lanes.finish)
        while self._due:
            self._due.popleft().result()

    def _here(self, found: Sum, chunks: Iterable[bytes]) -> Iterator[bytes]:
        hasher = hashlib.sha256()
        for chunk in chunks:
            hasher.update(chunk)
            yield chunk
        found.sha256 = hasher.hexdigest()

    def _beside(self, found: Sum, size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
        self._later(self._lanes.begin, found, size)
        for chunk in chunks:
            self._later(self._lanes.take, chunk)
            yield chunk

    def _later(self, work: Callable[..., None], *given: object) -> None:
        self._due.append(self._thread.submit(work, *given))
        if len(self._due) > _AHEAD:
            self._due.popleft().result()
