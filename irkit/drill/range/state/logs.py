"""Container logs: files of `<RFC 3339 instant> <text>` lines, read as the kubelet reads them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from irkit.drill.range.answer import Json
from irkit.times import parse, rfc3339

_CHUNK = 1 << 18
_PAUSE = 0.05  # seconds between looks at a followed file


@dataclass(frozen=True)
class Options:
    """What a log request asks for."""

    timestamps: bool = False
    follow: bool = False
    tail: int | None = None  # None: all lines
    since: datetime | None = None  # None: from the beginning
    limit: int | None = None  # bytes; None: no limit


class Logs:
    """The folder of logs, one file for each container's current and previous run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, pod: Json, container: str, *, previous: bool = False) -> Path:
        """Where the log is, or would be."""
        run = "previous" if previous else "current"
        return self.root / str(pod["metadata"]["uid"]) / f"{container}.{run}.log"

    def write(
        self, pod: Json, container: str, lines: Iterable[tuple[datetime, str]], *, previous: bool = False
    ) -> Path:
        """Append lines to a log; returns its path."""
        path = self.path(pod, container, previous=previous)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as out:
            out.writelines(f"{rfc3339(at)} {text}\n".encode() for at, text in lines)
        return path

    async def read(self, path: Path, options: Options, over: Callable[[], bool]) -> AsyncIterator[bytes]:
        """The log in chunks; a followed one ends when `over` says so."""
        left = options.limit
        async for chunk in self._chunks(path, options, over):
            piece = chunk if left is None else chunk[:left]
            if piece:
                yield piece
            if left is not None:
                left -= len(piece)
                if not left:
                    return

    async def _chunks(self, path: Path, options: Options, over: Callable[[], bool]) -> AsyncIterator[bytes]:
        position = 0
        if path.exists():
            with path.open("rb") as source:
                for block in _blocks(source, options):
                    yield _dressed(block, options)
                    await asyncio.sleep(0)
                position = source.tell()
        while options.follow and not over():
            await asyncio.sleep(_PAUSE)
            if path.exists() and path.stat().st_size > position:
                with path.open("rb") as source:
                    source.seek(position)
                    fresh = source.read(_CHUNK)
                whole = fresh[: fresh.rfind(b"\n") + 1]
                position += len(whole)
                yield _dressed(whole, options)


def _blocks(source: IO[bytes], options: Options) -> Iterator[bytes]:
    if options.since is None and options.tail is None:
        while whole := source.readlines(_CHUNK):
            yield b"".join(whole)
        return
    lines: Iterable[bytes] = source
    if options.since is not None:
        since = options.since
        lines = (line for line in lines if parse(line.split(b" ", 1)[0].decode()) >= since)
    if options.tail is not None:
        lines = deque(lines, maxlen=options.tail)
    block, size = [], 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield b"".join(block)
            block, size = [], 0
    yield b"".join(block)


def _dressed(block: bytes, options: Options) -> bytes:
    if options.timestamps or not block:
        return block
    return b"".join(line.split(b" ", 1)[1] for line in block.splitlines(keepends=True))
