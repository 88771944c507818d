"""`irkit bundle`: look into a sealed bundle without extracting it, offline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from irkit.cli.app import group
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.cli.options import BundlePath
from irkit.errors import Exit

bundles = group("bundle", "Verify and read sealed bundles, offline.")


Key = Annotated[
    list[Path] | None,
    typer.Option("--key", envvar="IRKIT_VERIFY_KEY", metavar="PUB", help="Has to have signed it. Repeats."),
]
TsaCa = Annotated[
    Path | None,
    typer.Option(
        "--tsa-ca", envvar="IRKIT_TSA_CA", metavar="FILE", help="Roots (PEM) of whoever has to have stamped it."
    ),
]


@command(bundles, "verify", online=False)
def verify(face: Face, bundle: BundlePath, key: Key = None, tsa_ca: TsaCa = None) -> Exit:
    """Check every hash, the manifests, custody, signatures and time stamp; name every mismatch, exit 5 for any.

    A key found in a bundle is never trusted: who signed is only known for the public keys given with --key.
    """
    from irkit.bundle.attest.keys import public_key
    from irkit.bundle.verify import verify as check

    found = check(bundle, keys=[public_key(path) for path in key or ()], roots=tsa_ca)
    face.emit(found)
    for problem in found.problems:
        face.show(f"BAD  {problem.path}: {problem.problem}", "bad")
    word, style = ("intact", "good") if found.ok else ("NOT intact", "bad")
    face.show(f"{bundle.name}: {word}, {found.files} files, custody {found.custody}, {found.signature}", style)
    face.show(f"time stamp: {found.timestamp}")
    return Exit.COMPLETE if found.ok else Exit.UNVERIFIED


@command(bundles, "ls", online=False)
def list_members(face: Face, bundle: BundlePath) -> None:
    """List what is inside."""
    from irkit.bundle.reader import names

    found = list(names(bundle))
    face.emit(found, lines=found)
    for name in found:
        face.show(name)


@command(bundles, "cat", online=False)
def cat_member(
    face: Face,
    bundle: BundlePath,
    member: Annotated[str, typer.Argument(metavar="PATH", help="As `bundle ls` prints it.")],
    raw: Annotated[bool, typer.Option("--raw", help="Bytes as they are, even to a terminal.")] = False,
) -> None:
    """Print one file; on a terminal control characters are shown as escapes unless --raw."""
    from irkit.bundle.reader import cat

    chunks = cat(bundle, member)
    if raw or not sys.stdout.isatty():
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        return
    for chunk in chunks:
        face.block(chunk.decode("utf-8", "backslashreplace"))
