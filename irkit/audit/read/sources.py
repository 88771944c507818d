"""What the user named, made into readable sources; what cannot be read is a Gap with its remedy."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from irkit.audit.read.blocks import Form, Source, blocks
from irkit.audit.read.event import decode
from irkit.audit.read.shapes import expand
from irkit.audit.read.unpack import MAGIC, Torn
from irkit.model.evidence import Gap, GapReason

COLLECTOR = "audit"
SNIFF = 20  # lines looked at to tell an audit log from anything else
STDIN = "-"

Found = Source | Gap


class Sources:
    """The sources behind what the user named: a file, a folder, a glob, or "-" for standard input.

    Standard input and pipes are copied to a temporary file, since matching may read twice; `close` removes it.
    """

    def __init__(self, named: Sequence[str]) -> None:
        self.readable: list[Source] = []
        self.gaps: list[Gap] = []
        self._copies: list[Path] = []
        seen: set[tuple[int, int]] = set()
        for found in (found for name in named for found in self._open(name)):
            if isinstance(found, Gap):
                self.gaps.append(found)
            elif (mark := _identity(found.path)) not in seen:
                seen.add(mark)
                self.readable.append(found)

    def close(self) -> None:
        """Remove what was copied."""
        for copy in self._copies:
            copy.unlink(missing_ok=True)

    def _open(self, name: str) -> Iterator[Found]:
        path = Path(name).expanduser()
        if name == STDIN or path.is_fifo():
            self._copies.append(_copy(sys.stdin.buffer if name == STDIN else path.open("rb")))
            yield look(self._copies[-1], name)
        elif path.is_dir():
            yield from _folder(path, name)
        elif path.exists() or not glob.has_magic(name):
            yield look(path, name)
        else:
            yield from _glob(name)


def _identity(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _copy(stream: BinaryIO) -> Path:
    handle, name = tempfile.mkstemp(prefix="irkit-audit-")
    with os.fdopen(handle, "wb") as out, stream:
        shutil.copyfileobj(stream, out)
    return Path(name)


def _glob(name: str) -> Iterator[Found]:
    paths = sorted(glob.glob(str(Path(name).expanduser()), recursive=True))  # noqa: PTH207 - it may be absolute
    files = [path for path in map(Path, paths) if path.is_file()]
    yield from (look(path, str(path)) for path in files)
    if not files:
        yield _gap(name, GapReason.ABSENT, "no file has such a name", "check the pattern, and quote it for the shell")


def _folder(path: Path, name: str) -> Iterator[Found]:
    """The audit logs in a folder, its sub-folders included; other files there are no gap."""
    looked = [look(file, str(file)) for file in sorted(path.rglob("*")) if file.is_file()]
    logs = [found for found in looked if isinstance(found, Source)]
    yield from logs
    yield from (found for found in looked if isinstance(found, Gap) and found.reason is GapReason.DENIED)
    if not logs:
        yield _gap(name, GapReason.ABSENT, "no audit log in this folder", _WHERE)


_WHERE = "the API server's --audit-log-path names the file; one line of it is one JSON object of audit.k8s.io/v1"


def look(path: Path, label: str) -> Found:
    """What `path` holds, told from its first lines, never from its name."""
    try:
        return _look(path, label)
    except FileNotFoundError:
        return _gap(label, GapReason.ABSENT, "no such file", _WHERE)
    except PermissionError:
        return _gap(label, GapReason.DENIED, "not allowed to read it", "run as a user who may, or copy the file")
    except OSError as error:
        return _gap(label, GapReason.FAILED, error.strerror or "cannot be read", "try with a copy of the file")
    except Torn as error:
        return _gap(label, GapReason.INVALID, str(error), "take the file again from the control plane node")


def _look(path: Path, label: str) -> Found:
    with path.open("rb") as file:
        packed = file.read(len(MAGIC)) == MAGIC
    source = Source(path, label, path.stat().st_size, packed=packed)
    if not source.size:
        return _gap(label, GapReason.ABSENT, "the file is empty", _WHERE)
    form = _form(source)
    if form is None:
        return _gap(label, GapReason.INVALID, "not an audit log: no audit.k8s.io event in it", _WHERE)
    return replace(source, form=form)


def _form(source: Source) -> Form | None:
    """How events lie in the source, by its first lines (some may be torn); None where none is found."""
    first = list(islice((line for block in blocks(source) for _, line in block.lines()), SNIFF))
    if any(decode(line) is not None for line in first):
        return Form.NATIVE
    if any(expand(line) for line in first):
        return Form.WRAPPED
    return Form.DOCUMENT if next(blocks(replace(source, form=Form.DOCUMENT)), None) else None


def _gap(label: str, reason: GapReason, detail: str, remedy: str) -> Gap:
    return Gap(COLLECTOR, f"audit log {label}", reason, detail, remedy)


def torn(source: Source, why: str) -> Gap:
    """The gap where a source breaks off."""
    remedy = "take the file again from the control plane node"
    return Gap(COLLECTOR, f"rest of audit log {source.label}", GapReason.TRUNCATED, why, remedy)
