"""Staged evidence, and a bundle over it, for the tests of this folder."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from irkit.bundle.seal import seal
from irkit.model.bundle import Bundle

AT = datetime(2026, 11, 23, 3, 0, 0, 123456, tzinfo=UTC)
NAME = "irkit-case-7-web-20261123T030000Z"
INFO = {"Source-Organization": "payments", "Case": "case-7"}
CUSTODY: list[dict[str, Any]] = [
    {"action": "resolved", "who": "ann"},
    {"action": "captured", "n": 2},
    {"action": "sealed", "who": "ann"},
]
FILES = {
    "pod/pod.json": b'{"kind":"Pod"}\n',
    "logs/app.current.log": b"".join(b"line %d\n" % n for n in range(5000)),
    "logs/empty.log": b"",
    "events/events.json": b"{}",
}


def stage(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def bundle(folder: Path, files: Mapping[str, bytes] = FILES) -> Bundle:
    data = stage(folder / "data", files)
    return seal(NAME, data, folder / "out", info=INFO, custody=CUSTODY, at=AT)


Tar = list[tuple[tarfile.TarInfo, bytes]]


def opened(path: Path) -> Tar:
    """Every member with its content, read by the standard library."""
    with tarfile.open(path) as tar:
        return [(info, (tar.extractfile(info) or io.BytesIO()).read()) for info in tar]


def packed(path: Path, members: Tar) -> Path:
    """A bundle framed as irkit frames them, over any members: what a careful forger would make."""
    from irkit.bundle import frames

    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(b"".join(frames.compress([raw.getvalue()])))
    return path


def changed(path: Path, change: Callable[[Tar], Tar | None]) -> Path:
    """The bundle at `path` with its members changed, frames whole again."""
    members = opened(path)
    return packed(path.with_name("changed.tar.gz"), change(members) or members)


def plain(path: Path) -> bytes:
    """The tar inside, unpacked by the standard library's gzip."""
    return gzip.decompress(path.read_bytes())
