"""Evidence for recipients only: a copy of the staged payload in which every file is encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from irkit import digest
from irkit.bundle import layout, veil
from irkit.bundle.layout import Sealed
from irkit.bundle.seal import payload

FOLDER = "sealed/"


def confide(data: Path, staged: Path, recipients: Sequence[str], clear: Sequence[str] = ()) -> list[Sealed]:
    """Encrypt what is under `data` to `recipients` into `staged`, path by path; the paths `clear` are left out.

    A file that is in `staged` already is kept: encrypting is never the same twice, and what a crash cut off goes on
    with the same bytes. Raises UsageError for recipients that are none, BundleError where the disk refuses.
    """
    veil.recipients(recipients)
    return [
        _one(file, path, staged, recipients)
        for path, file in ((name.removeprefix(layout.PAYLOAD), file) for name, file in payload(data))
        if path not in clear
    ]


def _one(file: Path, path: str, staged: Path, recipients: Sequence[str]) -> Sealed:
    member = FOLDER + path + veil.SUFFIX
    target = staged / member
    made = digest.of_file(target) if target.exists() else veil.veil(file, target, recipients)
    return Sealed(path, member, made.sha256)
