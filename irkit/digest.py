"""Hash while copying: evidence goes to disk in one pass and is never held in memory."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:  # it brings logging into commands that write no large file
    from concurrent.futures import Future, ThreadPoolExecutor

CHUNK = 1 << 20
_STRETCH = 64 << 20  # bytes after which the disk is asked to keep what it has


@dataclass(frozen=True, slots=True)
class Digest:
    """What a copy measured: `size` in bytes, `sha256` in hex, `truncated` when a limit cut it short."""

    sha256: str
    size: int
    truncated: bool = False


def write(chunks: Iterable[bytes], path: Path, *, limit: int | None = None, lasting: bool = True) -> Digest:
    """Stream `chunks` into `path`, hashing on the way; the file appears whole and fsynced, or not at all.

    One that is not `lasting` is not fsynced: after a crash it is made anew, whatever is left of it. With `limit`, at
    most that many bytes are kept and the digest is of what was kept. Raises OSError from the disk and whatever `chunks`
    raises; what had arrived by then stays beside the target as `<name>.part`.
    """
    part = f"{path}.part"
    hasher, size, truncated = hashlib.sha256(), 0, False
    with _made(part) as out, _Disk(out) as disk:
        for chunk in chunks:
            if limit is not None and size + len(chunk) > limit:
                chunk, truncated = chunk[: limit - size], True  # noqa: PLW2901
            hasher.update(chunk)
            out.write(chunk)
            size += len(chunk)
            if truncated:
                break
            if lasting:
                disk.wrote(len(chunk))
        if lasting:
            disk.settle()
            out.flush()
            os.fsync(out.fileno())
    os.replace(part, path)  # noqa: PTH105 - a thousand times a capture, and a Path costs more than the call
    return Digest(hasher.hexdigest(), size, truncated)


def create(path: Path, data: bytes, mode: int = 0o666) -> None:
    """A new file, whole or not at all. Raises OSError, FileExistsError where there is one already."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            path.unlink()
            raise


class _Disk:
    """Has the disk write while more comes, so that little is left for the last fsync to wait for.

    Its thread ends with it: while one runs, no work is shared out (`beside.cores`).
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._since = out, 0
        self._thread: ThreadPoolExecutor | None = None
        self._due: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread:
            self._thread.shutdown()

    def wrote(self, size: int) -> None:
        """So many bytes more. Raises OSError where earlier ones could not be kept: the system says so only once."""
        self._since += size
        if self._since >= _STRETCH:
            self.settle()
            self._thread = self._thread or _thread()
            self._since, self._due = 0, self._thread.submit(os.fsync, self._out.fileno())

    def settle(self) -> None:
        """Wait for what was asked of the disk; raises OSError as `wrote` does."""
        if self._due:
            self._due.result()


def _thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # few files are so large

    return ThreadPoolExecutor(1, thread_name_prefix="disk")


def _made(path: str) -> IO[bytes]:
    """The file at `path`, to be written, in a folder that is made where it is missing."""
    try:
        return open(path, "wb")  # noqa: PTH123
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return open(path, "wb")  # noqa: PTH123


# What link(2) says where there are no hard links: exFAT on a USB stick, some network and FUSE file systems.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def publish(part: Path, path: Path) -> None:
    """Give the finished file `part` the name `path`, which must be free: FileExistsError otherwise, with `part` kept.

    Both stand in one folder, which is fsynced. On a file system without hard links the name is reserved first, so a
    crash between the two steps leaves an empty file under it, never a half one.
    """
    try:
        os.link(part, path)
        part.unlink()
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        path.touch(exist_ok=False)
        part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def stands(file: IO[bytes], path: Path) -> bool:
    """Whether the open `file` is still the one at `path`: whoever locks one may have waited for it to be removed."""
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def read(path: Path, first: int = CHUNK) -> Iterator[bytes]:
    """The bytes of `path`: `first` so many, then in chunks of one MiB."""
    with path.open("rb") as source:
        chunk = source.read(first)
        while chunk:
            yield chunk
            chunk = source.read(CHUNK)


def of_file(path: Path) -> Digest:
    """The digest of the file at `path`, streamed."""
    hasher, size = hashlib.sha256(), 0
    for chunk in read(path):
        hasher.update(chunk)
        size += len(chunk)
    return Digest(hasher.hexdigest(), size)


def of_bytes(data: bytes) -> str:
    """The SHA-256 of `data` in hex."""
    return hashlib.sha256(data).hexdigest()


@cache
def of_tool() -> str:
    """Which irkit this is, by its installed files: the SHA-256 of what `sha256sum` prints of them, sorted by path.

    What Python compiles beside them is left out; docs/evidence.md has the command that computes it without irkit.
    """
    root = str(Path(__file__).parent)
    sums = (f"{of_bytes(Path(file).read_bytes())}  {file[len(root) + 1 :]}\n" for file in sorted(_installed(root)))
    return of_bytes("".join(sums).encode())


def _installed(root: str) -> Iterator[str]:
    """The files below `root`; walked by hand, as a Path for each costs more than to read and hash it."""
    for folder, below, names in os.walk(root):
        below[:] = set(below) - {"__pycache__"}
        yield from (f"{folder}/{name}" for name in names)
