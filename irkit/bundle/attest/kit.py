"""What a bundle is sealed with, from the settings: signers, the authority that stamps, the recipients of originals."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from irkit import digest
from irkit.bundle.attest import countersign, keys, stamp
from irkit.bundle.attest.keys import Signer
from irkit.bundle.recipients import veil
from irkit.errors import BundleError, UsageError
from irkit.model.bundle import Bundle
from irkit.model.evidence import Gap, GapReason
from irkit.settings import SealSettings

PASSPHRASE = "IRKIT_SIGN_PASSPHRASE"  # noqa: S105 - the name of the variable


def signers(paths: Sequence[str | Path], environ: Mapping[str, str] = os.environ) -> list[Signer]:
    """Those whose private keys are in the files `paths`; all have the passphrase in IRKIT_SIGN_PASSPHRASE, or none.

    A passphrase comes from the environment only: a flag would stand in the list of processes. Raises UsageError.
    """
    return [keys.signer(Path(path), environ.get(PASSPHRASE)) for path in paths]


def check(settings: SealSettings) -> None:
    """Raise UsageError for what can be known to be unusable before there is anything to seal."""
    signers(settings.sign_keys)
    if settings.tsa_url:
        stamp.check(settings.tsa_url)
    if settings.recipients:
        veil.recipients(settings.recipients)


def stamped(bundle: Bundle, authority: str | None, *, nonce: int) -> tuple[Gap, ...]:
    """Have `bundle` stamped where an authority is named; that it does not answer is a gap, never a lost bundle.

    A bundle that has a token already keeps it.
    """
    if not authority or stamp.beside(bundle.path).exists():
        return ()
    try:
        stamp.stamp(bundle, authority, nonce=nonce)
    except (BundleError, UsageError) as error:
        remedy = f"irkit bundle stamp {bundle.path} --tsa {authority}"
        return (Gap("stamp", f"time stamp of {bundle.path.name}", GapReason.UNREACHABLE, error.message, remedy),)
    return ()


def signable(settings: SealSettings, bundle: str) -> tuple[list[Signer], tuple[Gap, ...]]:
    """(who signs, what is missing): a key that is gone or locked is a gap, and the bundle is signed later."""
    found, gaps = [], []
    for path in settings.sign_keys:
        try:
            found += signers([path])
        except UsageError as error:
            remedy = f"irkit bundle sign {bundle} --sign-key {path}"
            gaps.append(Gap("sign", f"signature by {Path(path).name}", GapReason.FAILED, error.message, remedy))
    return found, tuple(gaps)


def companions(bundle: Path) -> list[Bundle]:
    """The time stamp and the signatures beside a bundle, to be shipped with it; raises BundleError."""
    try:
        found = [path for path in (stamp.beside(bundle), *countersign.files(bundle)) if path.exists()]
        return [Bundle(path, told.sha256, told.size, 0) for path in found for told in [digest.of_file(path)]]
    except OSError as error:
        raise BundleError(f"cannot read {error.filename}: {error.strerror}") from error
