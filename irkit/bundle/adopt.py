"""Seal a folder of files that irkit did not collect: what another tool took belongs in a bundle all the same."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from irkit.bundle import layout
from irkit.bundle.attest import afterwards
from irkit.bundle.attest.keys import Signer
from irkit.bundle.recipients.confide import confide
from irkit.bundle.seal import seal
from irkit.errors import BundleError, IrkitError, UsageError
from irkit.model.bundle import Bundle
from irkit.model.run import Operator


def adopt(
    folder: Path,
    out: Path,
    *,
    case: str,
    at: datetime,
    operator: Operator,
    authority: str = "",
    signers: Sequence[Signer] = (),
    recipients: Sequence[str] = (),
) -> Bundle:
    """Seal what is in `folder`, which is not changed, as a bundle in `out`; with `recipients` only they can read it.

    Raises UsageError for a folder that is none and for recipients that are none, and what `seal` raises.
    """
    _refuse(folder, out)
    name = layout.bundle_name(case, folder.resolve().name, at)
    what = {"case": case, "authority": authority, "folder": str(folder), "recipients": list(recipients)}
    told = afterwards.told("folder.sealed", operator, at, **what)
    staged = _veiled(folder, out / f"{name}.veiled", recipients) if recipients else folder
    try:
        return seal(name, staged, out, info={"Irkit-Case": case}, custody=[told], at=at, signers=signers)
    finally:
        if recipients:
            shutil.rmtree(staged)


def _refuse(folder: Path, out: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"not a folder: {folder}", "the folder that holds the files to seal")
    if (folder / layout.COLLECTION).exists():
        raise UsageError(f"{layout.COLLECTION} is a name of irkit's own", "rename the file, or seal the folder above")
    if out.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"the bundle would be sealed into itself: {out} is in {folder}", "--out of another folder")


def _veiled(folder: Path, staged: Path, recipients: Sequence[str]) -> Path:
    """A copy of `folder` in which every file is encrypted, on the disk that the bundle goes to."""
    try:
        staged.mkdir(parents=True, mode=0o700)
        layout.write_sealed(staged, confide(folder, staged, recipients))
    except OSError as error:
        raise BundleError(f"cannot make {staged}: {error.strerror}") from error
    except IrkitError:
        shutil.rmtree(staged)
        raise
    return staged
