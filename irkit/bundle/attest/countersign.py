"""Signatures added after sealing: each in a file of its own beside the bundle, which itself never changes.

`<bundle>.<16 hex digits of the key id>.dsse.json` holds one statement about the whole file. So two who sign at the same
time are not in each other's way, and a store that locks what it holds can take each file as it comes.
"""

from __future__ import annotations

import glob
from pathlib import Path

from irkit import digest
from irkit.bundle import layout
from irkit.bundle.attest import statement
from irkit.bundle.attest.keys import Signer
from irkit.bundle.attest.statement import Found, Subject
from irkit.errors import BundleError
from irkit.model.bundle import Bundle

SUFFIX = ".dsse.json"
_LONGEST = 1 << 20  # bytes of a statement that is read


def sign(bundle: Bundle, root: str, signer: Signer) -> Path:
    """Write the statement of `signer` beside `bundle`, whose folder inside is `root`; never over another.

    Signing again gives the same file. Raises BundleError where the disk refuses, or another file is in the way.
    """
    path = bundle.path.with_name(f"{bundle.path.name}.{signer.public.id[:16]}{SUFFIX}")
    text = statement.sign(_subject(root, bundle.sha256), [signer])
    unnamed = path.with_suffix(".signing")
    try:
        digest.write([text], unnamed)
        _publish(unnamed, path, text)
    except OSError as error:
        raise BundleError(f"cannot write {path}: {error.strerror}") from error
    return path


def _publish(unnamed: Path, path: Path, text: bytes) -> None:
    try:
        digest.publish(unnamed, path)
    except FileExistsError as error:
        unnamed.unlink()
        if _head(path) != text:
            raise BundleError(f"{path} exists with other content and is kept", "move it away to sign again") from error


def files(bundle: Path) -> list[Path]:
    """The statements beside a bundle."""
    return sorted(bundle.parent.glob(f"{glob.escape(bundle.name)}.*{SUFFIX}"))


def beside(bundle: Path, root: str, sha256: str) -> list[Found]:
    """What the files beside a bundle of that hash say; raises BundleError where one cannot be read."""
    try:
        return [Found(path.name, _head(path), _subject(root, sha256)) for path in files(bundle)]
    except OSError as error:
        raise BundleError(f"cannot read {error.filename}: {error.strerror}") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST)


def _subject(root: str, sha256: str) -> Subject:
    """Named as it was sealed: what somebody calls the file later is no concern of a signature."""
    return Subject(root + layout.SUFFIX, sha256)
