"""The list of what was hidden, as it comes: each process writes a part of its own, and they are put in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from irkit import digest
from irkit.model.codec import compact


class Told(NamedTuple):
    """Where the notes about one file stand: bytes `start` to `end` of the file that process `writer` wrote."""

    writer: int
    start: int
    end: int


class Listed:
    """The list at `path`, being written. Raises OSError from the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own: tuple[int, BinaryIO] | None = None  # of the process that opened it; a fork opens one anew
        self.told = Told(0, 0, 0)  # of the file that was told about last

    def __enter__(self) -> Self:
        self._clear()
        self._list = self._path.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._list.close()
        if self._own:
            self._own[1].close()
        self._clear()

    def write(self, line: bytes) -> None:
        """One line that is of no file."""
        self._list.write(line)

    @contextmanager
    def own(self) -> Iterator[Callable[[Any], None]]:
        """What takes the notes about one file; `told` says afterwards where they stand."""
        writer = os.getpid()
        if not self._own or self._own[0] != writer:
            self._own = writer, self._of(writer).open("wb")
        notes, start = self._own[1], self._own[1].tell()

        def note(noun: Any) -> None:  # noqa: ANN401 - a noun of the redactor
            notes.write(compact(noun) + b"\n")

        yield note
        notes.flush()
        self.told = Told(writer, start, notes.tell())

    def gather(self, told: Told) -> None:
        """Take over the notes about one file."""
        left = told.end - told.start
        if not left:
            return
        with self._of(told.writer).open("rb") as notes:
            notes.seek(told.start)
            while chunk := notes.read(min(left, digest.CHUNK)):
                self._list.write(chunk)
                left -= len(chunk)

    def _of(self, writer: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{writer}")

    def _clear(self) -> None:
        for each in self._path.parent.glob(f"{self._path.name}.*"):
            each.unlink()
