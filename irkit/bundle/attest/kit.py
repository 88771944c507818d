"""What a bundle is sealed with, from the settings: signers, the authority that stamps, the recipients of originals."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from irkit.bundle import veil
from irkit.bundle.attest import keys, stamp
from irkit.bundle.attest.keys import Signer
from irkit.errors import BundleError
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

    A bundle that has a token already keeps it. Raises UsageError for what is no authority.
    """
    if not authority or stamp.beside(bundle.path).exists():
        return ()
    try:
        stamp.stamp(bundle, authority, nonce=nonce)
    except BundleError as error:
        remedy = f"irkit bundle stamp {bundle.path} --tsa {authority}"
        return (Gap("stamp", f"time stamp of {bundle.path.name}", GapReason.UNREACHABLE, error.message, remedy),)
    return ()
