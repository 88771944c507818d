"""What the user named, made into readable sources; what cannot be read is a Gap with its remedy."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from irkit.audit.read.blocks import Source
from irkit.audit.read.look import WHERE, Found, gap, look, refused
from irkit.audit.read.remote.place import Asked, Door, default_door, is_remote
from irkit.audit.read.window import Window
from irkit.model.evidence import Gap, GapReason

STDIN = "-"
_LOST = frozenset({GapReason.DENIED, GapReason.TRUNCATED, GapReason.FAILED})  # what may have been an audit log


class Sources:
    """The sources behind what the user named: a file, a folder, a glob, a URL, or "-" for standard input.

    Standard input, pipes and what lies elsewhere are copied to a temporary folder, since matching may read twice;
    `close` removes it. Of what lies elsewhere only what may hold events of `window` is fetched.
    """

    def __init__(self, named: Sequence[str], window: Window = Window(), door: Door = default_door) -> None:  # noqa: B008
        self.readable: list[Source] = []
        self.gaps: list[Gap] = []
        self._asked = Asked(window, door)
        self._folder: Path | None = None
        self._seen: set[tuple[int, int]] = set()
        for found in (found for name in named for found in self._open(name)):
            if isinstance(found, Gap):
                self.gaps.append(found)
            else:
                self._take(found)

    def _take(self, source: Source) -> None:
        """Once, by however many names; a rotation may have removed it since it was looked at."""
        try:
            mark = _identity(source.path)
        except OSError as error:
            self.gaps.append(refused(source.label, error))
            return
        if mark not in self._seen:
            self._seen.add(mark)
            self.readable.append(source)

    def close(self) -> None:
        """Remove what was copied."""
        if self._folder:
            shutil.rmtree(self._folder)
            self._folder = None

    def _copies(self) -> Path:
        self._folder = self._folder or Path(tempfile.mkdtemp(prefix="irkit-audit-"))
        return self._folder

    def _open(self, name: str) -> Iterator[Found]:
        try:
            yield from self._found(name)
        except OSError as error:  # a folder on the way is closed to us, or there is no room for a copy
            yield refused(name, error)

    def _found(self, name: str) -> Iterator[Found]:
        path = _path(name)
        if not name:  # an empty variable of a script, which would mean the folder one is in
            yield gap(name, GapReason.ABSENT, "no name given", WHERE)
        elif is_remote(name):
            from irkit.audit.read.remote.fetch import fetch  # three services' doors, which a file needs not

            yield from fetch(name, self._asked, self._copies())
        elif name == STDIN or path.is_fifo():
            yield look(_copy(sys.stdin.buffer if name == STDIN else path.open("rb"), self._copies()), name)
        elif path.is_dir():
            yield from _folder(path, name)
        elif path.exists() or not glob.has_magic(name):
            yield look(path, name)
        else:
            yield from _glob(name)


def _identity(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _copy(stream: BinaryIO, into: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=into)
    with os.fdopen(handle, "wb") as out, stream:
        shutil.copyfileobj(stream, out)
    return Path(name)


def _path(name: str) -> Path:
    """Whose home is unknown has a name like any other, as in a shell."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - that of Path fails there


def _glob(name: str) -> Iterator[Found]:
    paths = sorted(glob.glob(str(_path(name)), recursive=True))  # noqa: PTH207 - it may be absolute
    files = [path for path in map(Path, paths) if path.is_file()]
    yield from (look(path, str(path)) for path in files)
    if not files:
        yield gap(name, GapReason.ABSENT, "no file has such a name", "check the pattern, and quote it for the shell")


def _folder(path: Path, name: str) -> Iterator[Found]:
    """The audit logs in a folder, its sub-folders included; what is something else there is no gap."""
    closed: list[Found] = []
    tree = os.walk(path, onerror=lambda error: closed.append(refused(str(error.filename), error)))
    files = sorted(Path(folder) / file for folder, _, names in tree for file in names)
    found = [*(look(file, str(file)) for file in files), *closed]
    yield from (one for one in found if isinstance(one, Source) or one.reason in _LOST)
    if not any(isinstance(one, Source) for one in found):
        yield gap(name, GapReason.ABSENT, "no audit log in this folder", WHERE)
