"""The unit of work: a source that every worker can reach, a byte range, what to look for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from irkit.audit.afar.wire import encode, kind_of
from irkit.audit.read.blocks import Source
from irkit.audit.read.remote.place import is_remote
from irkit.audit.read.scan import Piece
from irkit.audit.read.sources import STDIN
from irkit.errors import UsageError

EDGE = 64 << 10  # bytes at either end of a source by which it is known again
VERSION = version("irkit")

Place = tuple[str, str]  # where workers find a source, and its mark


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of one scan. Workers of another version refuse it: their rules may say something else."""

    name: str  # the source: an absolute path, or s3://
    mark: str  # of its content, see `mark`
    source: Source
    start: int
    end: int
    kind: str  # of `wire.KINDS`
    work: msgspec.Raw
    version: str = VERSION


def units(work: object, pieces: Iterable[Piece], known: dict[Path, Place]) -> Iterator[bytes]:
    """A unit for each piece, as bytes. Raises UsageError for a source that no other machine can reach.

    `known` keeps what sources are known by, so that every pass over them means the same files.
    """
    kind, body = kind_of(work), msgspec.Raw(encode(work))
    for piece in pieces:
        source = piece.source
        if source.path not in known:
            known[source.path] = _known_by(source)
        yield encode(Unit(*known[source.path], source, piece.start, piece.end, kind, body))


def _known_by(source: Source) -> Place:
    try:
        return place(source), mark(source.path, source)
    except OSError:  # gone meanwhile: what workers find there is not what was meant
        return str(source.path.absolute()), ""


def place(source: Source) -> str:
    """Where other machines find it. Raises UsageError where they cannot."""
    remote = is_remote(source.label)
    if remote and source.label.startswith("s3://"):
        return source.label
    if remote or source.label == STDIN or not source.path.samefile(Path(source.label).expanduser()):
        raise UsageError(
            f"{source.label} cannot be read by other machines",
            "a queue shares out files and s3://; scan it without one",
        )
    return str(source.path.resolve())


def mark(path: Path, source: Source) -> str:
    """By what the same source is known elsewhere: its size, and the SHA-256 of both its ends.

    A plain log may have grown since; a packed one not. Raises OSError.
    """
    with path.open("rb", buffering=0) as file:
        size = path.stat().st_size
        held = source.size if size >= source.size and not source.packed else size
        head = file.read(min(EDGE, held))
        file.seek(max(held - EDGE, 0))
        tail = file.read(min(EDGE, held))
    return f"{held}:{hashlib.sha256(head + tail).hexdigest()}"
