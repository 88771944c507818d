"""What everybody may read of a file: the file itself where nothing in it has to be hidden, a copy with tokens else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from irkit import digest

Redact = Callable[[Iterable[bytes]], Iterator[bytes]]


def shown(file: Path, target: Path, redact: Redact) -> str | None:
    """Give what `redact` makes of `file` the name `target`; the copy's SHA-256, or None where nothing was hidden.

    Then `target` is a second name of `file`: most files hold no secret, and none of them is written a second time.
    Raises OSError from the disk.
    """
    against = _Against(digest.read(file))
    clean, passed = redact(against.read()), 0
    for piece in clean:
        if not against.fits(piece):
            return digest.write(chain(_first(file, passed), [piece], clean), target, lasting=False).sha256
        passed += len(piece)
    if against.left:
        return digest.write(_first(file, passed), target, lasting=False).sha256
    _name(file, target)
    return None


class _Against:
    """What comes out, held against what goes in: one pass, with no more in memory than has not come out yet."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._held, self._alike = chunks, bytearray(), True

    def read(self) -> Iterator[bytes]:
        """The chunks."""
        for chunk in self._chunks:
            if self._alike:
                self._held += chunk
            yield chunk

    def fits(self, piece: bytes) -> bool:
        """Whether `piece` came out as it went in. Once it did not, nothing is held any more."""
        self._alike = self._held.startswith(piece)
        del self._held[: len(piece) if self._alike else None]
        return self._alike

    @property
    def left(self) -> bool:
        """Whether something went in and did not come out."""
        return bool(self._held)


def _first(file: Path, size: int) -> Iterator[bytes]:
    for chunk in digest.read(file) if size else ():
        yield chunk[:size]
        size -= len(chunk)
        if size <= 0:
            return


def _name(file: Path, target: Path) -> None:
    """`target` as another name of `file`; a copy where the file system has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:
        digest.write(digest.read(file), target, lasting=False)
