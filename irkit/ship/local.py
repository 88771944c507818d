"""A folder as a destination: copied, fsynced, linked into place without overwriting, read back."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from irkit import digest
from irkit.errors import ShipError, UsageError
from irkit.model.bundle import Bundle, Receipt

_REMEDIES = {
    errno.ENOSPC: "free some disk space, or ship elsewhere",
    errno.EDQUOT: "raise the quota, or ship elsewhere",
    errno.EACCES: "make the folder writable for this user",
    errno.EPERM: "make the folder writable for this user",
    errno.EROFS: "the file system is mounted read-only",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EEXIST: "a part of the path is a file",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, made where it is missing (readable by its owner alone)."""

    path: Path

    @classmethod
    def named(cls, text: str, *, url: bool) -> Folder:
        """The folder that `text` names: a path, or with `url` what follows `file://` (`/dir`, `./dir`)."""
        if url:
            text = unquote(text).removeprefix("localhost")
            if not text.startswith(("/", "./", "../")):
                raise UsageError(f"not a folder on this machine: file://{text}", "file:///folder or file://./folder")
        if not text or "\0" in text:
            raise UsageError("the store has no name", "file:///folder, a folder, or s3://bucket/prefix")
        return cls(Path(text))

    def put(self, bundle: Bundle, key: str) -> Receipt:
        """As `Destination.put`."""
        target = self.path / key
        with self._translated(f"write {target}"):
            self._make()
            if not target.exists():
                self._copy(bundle, target)
            return self._receipt(bundle, target)

    def check(self) -> None:
        """As `Destination.check`: a folder that is there, or the nearest one above, takes a file."""
        nearest = self.path.absolute()
        while not os.path.exists(nearest):  # noqa: PTH110 - a Path raises where it may not look
            nearest = nearest.parent
        if not nearest.is_dir():
            raise UsageError(f"not a folder: {nearest}", "name a folder: a bundle is a file in it")
        with self._translated(f"write into {nearest}"), tempfile.TemporaryFile(dir=nearest) as probe:
            probe.write(b"irkit")
            probe.flush()

    def _make(self) -> None:
        if not self.path.is_dir():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _copy(self, bundle: Bundle, target: Path) -> None:
        unnamed = target.with_name(f"{target.name}.{os.getpid()}")
        try:
            copied = digest.write(digest.read(bundle.path), unnamed)
            if copied.sha256 != bundle.sha256:
                raise ShipError(f"{bundle.path} is not as it was sealed", f"irkit bundle verify {bundle.path}")
            digest.publish(unnamed, target)
        except FileExistsError:
            pass  # somebody was faster; whether it is the same bundle is asked next
        finally:
            for left in (unnamed, unnamed.with_name(unnamed.name + ".part")):
                left.unlink(missing_ok=True)

    def _receipt(self, bundle: Bundle, target: Path) -> Receipt:
        found = _read_back(target)
        if found.sha256 != bundle.sha256:
            raise ShipError(
                f"{target} exists with other content and is kept", "move it away, or ship under another name or folder"
            )
        stored = datetime.fromtimestamp(int(target.stat().st_mtime), UTC)
        return Receipt(target.absolute().as_uri(), found.sha256, found.size, stored)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = _REMEDIES.get(error.errno or 0, "ship elsewhere with --store")
            raise ShipError(f"cannot {what}: {error.strerror}", hint) from error


def _read_back(path: Path) -> digest.Digest:
    """What the disk holds, not what the page cache remembers, where the system lets us ask for that."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as source:
            os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return digest.of_file(path)
