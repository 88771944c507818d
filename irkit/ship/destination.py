"""Where bundles go. Success is a receipt you hold: the destination was asked back and showed the bundle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from irkit import times
from irkit.errors import UsageError
from irkit.model.bundle import Bundle, Receipt
from irkit.settings import StoreSettings
from irkit.text import Mask


class Destination(Protocol):
    """A place that keeps bundles and never overwrites one."""

    def put(self, bundle: Bundle, key: str) -> Receipt:
        """Store `bundle` under `key`, a file name; the same bundle again gives the same receipt.

        Raises ShipError where it was not taken or the key holds other content, VerificationError where it was taken
        but what was asked (lock, encryption, content) is not what the destination shows.
        """
        ...

    def check(self) -> None:
        """Raise what `put` would, as far as that can be known without leaving anything behind."""
        ...


def destination(settings: StoreSettings, clock: Callable[[], datetime] = times.now, *, mask: Mask = str) -> Destination:
    """The destination that `settings` name; raises UsageError for settings that fit none.

    `mask` takes the secrets out of what a store says when it refuses, our own credentials aside, which are never
    repeated.
    """
    _consistent(settings)
    scheme, slashes, rest = settings.url.partition("://")
    if slashes and scheme == "s3":
        from irkit.ship.s3 import Bucket

        return Bucket.named(rest, settings, clock, mask)
    if slashes and scheme != "file" or settings.url.startswith(("file:", "s3:")) and not slashes:
        raise UsageError(
            f"unknown kind of store: {mask(settings.url)!r}", "file:///folder, a folder, or s3://bucket/prefix"
        )
    from irkit.ship.local import Folder

    return Folder.named(rest if slashes else settings.url, url=bool(slashes))


def _consistent(settings: StoreSettings) -> None:
    asked = settings.s3_lock or settings.s3_legal_hold or settings.s3_sse_kms_key or settings.s3_expected_owner
    if asked and not settings.url.startswith("s3://"):
        raise UsageError(
            "locks and encryption need an s3:// store", "a folder cannot promise them; remove the --s3 flags"
        )
    if settings.s3_lock not in (None, "governance", "compliance"):
        raise UsageError(f"unknown lock: {settings.s3_lock!r}", "governance or compliance")
    if bool(settings.s3_lock) != bool(settings.s3_retain_days) or (settings.s3_retain_days or 1) < 1:
        raise UsageError(
            "a lock needs a number of days, and days need a lock", "--s3-lock governance --s3-retain-days 90"
        )
