"""`irkit ship`: hand a sealed bundle to a store, against a receipt."""

from __future__ import annotations

from irkit.cli import options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face


@command(app, "ship", online=False)
def ship(face: Face, store: options.StoreFlags, bundle: options.BundlePath) -> None:
    """Upload a bundle with its time stamp and signatures, never overwriting, and read it back. Safe to repeat."""
    from irkit.bundle.attest.kit import companions
    from irkit.bundle.reader import describe
    from irkit.playbook.door import destination

    receipt = destination(store).put(describe(bundle), bundle.name)
    for beside in companions(bundle):
        told = destination(store).put(beside, beside.path.name)
        face.note(f"stored {told.url}", "good")
    face.emit(receipt)
    face.show(f"stored {receipt.url}", "good")
    face.show(f"sha256 {receipt.sha256}, {receipt.size} bytes, read back and compared")
    if receipt.retain_until:
        face.show(f"locked ({receipt.lock_mode}) until {receipt.retain_until:%Y-%m-%d %H:%M} UTC")
