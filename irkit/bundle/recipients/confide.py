"""Evidence for recipients only: a copy of the staged payload in which every file is encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from irkit.bundle import layout
from irkit.bundle.layout import Sealed
from irkit.bundle.recipients import veil
from irkit.bundle.seal import payload
from irkit.text import slug

FOLDER = "sealed/"
_LONGEST = 240  # bytes of a name; most file systems take 255, and a suffix or two is to come


def confide(data: Path, staged: Path, recipients: Sequence[str]) -> list[Sealed]:
    """Encrypt what is under `data` to `recipients` into `staged`, path by path.

    Raises UsageError for recipients that are none, BundleError where the disk refuses.
    """
    veil.recipients(recipients)
    return [confided(file, name.removeprefix(layout.PAYLOAD), staged, recipients) for name, file in payload(data)]


def _named(part: str) -> str:
    """`part` where it is text and short enough to get a suffix while it is written; else its slug."""
    try:
        return part if len(part.encode()) <= _LONGEST else slug(part)
    except UnicodeEncodeError:  # bytes on disk that are no UTF-8: JSON could not name them
        return slug(part)


def confided(file: Path, path: str, staged: Path, recipients: Sequence[str]) -> Sealed:
    """Encrypt `file`, known as `path`, into `staged`, once more if that was done; raises like `veil.veil`."""
    member = FOLDER + "/".join(map(_named, path.split("/"))) + veil.SUFFIX
    (staged / member).unlink(missing_ok=True)
    return Sealed(path, member, veil.veil(file, staged / member, recipients).sha256)
