"""Originals that not everybody may read: encrypted to recipients in age's format, which the `age` tool opens too.

Each file has a key of its own, wrapped for every recipient (X25519 or SSH keys). The manifest hashes the ciphertext, so
a bundle verifies without any key; the plain text is authenticated by age itself.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit import digest
from irkit.bundle.attest import need
from irkit.bundle.reader import cat
from irkit.errors import BundleError, UsageError, VerificationError

if TYPE_CHECKING:
    from pyrage import ssh, x25519  # type: ignore[import-untyped]

SUFFIX = ".age"
_LOCKED = (b"ENCRYPTED", b"age-encryption.org/v1")  # PEM of OpenSSL's, and age's own files


def recipients(texts: Sequence[str]) -> list[x25519.Recipient | ssh.Recipient]:
    """The recipients that `texts` name, each `age1...`, an SSH public key, or a file with one a line (`#` comments).

    Raises UsageError for anything else, and for nobody.
    """
    if not texts:
        raise UsageError("nobody could open it: no recipient given", "age-keygen makes a key; give its public half")
    need("pyrage", "sealing originals")
    return [_recipient(one) for text in texts for one in _listed(text.strip())]


def _listed(text: str) -> list[str]:
    if text.startswith(("age1", "ssh-")) or not os.path.isfile(text):  # noqa: PTH113 - a Path raises for a long name
        return [text]
    try:
        lines = [line.strip() for line in Path(text).read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the recipients in {text}", "a text file, one recipient a line") from error
    if not (found := [line for line in lines if line and not line.startswith("#")]):
        raise UsageError(f"no recipient in {text}", "a text file, one recipient a line")
    return found


def _recipient(text: str) -> x25519.Recipient | ssh.Recipient:
    import pyrage

    kind = pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient
    try:
        return kind.from_str(text)
    except pyrage.RecipientError as error:
        if text.upper().startswith("AGE-SECRET") or "PRIVATE KEY-" in text:
            raise UsageError("not a recipient: a secret key", "its public half: age1..., or the .pub file") from error
        hint = "age1..., an SSH public key (Ed25519 or RSA), or a file of them"
        raise UsageError(f"not a recipient: {text[:40]!r}", hint) from error


def veil(source: Path, target: Path, texts: Sequence[str]) -> digest.Digest:
    """Encrypt the file `source` to the recipients in `texts` as `target`, streamed; the digest is of the ciphertext.

    The disk is not waited for: what is not sealed in a bundle yet is encrypted anew after a crash. Raises UsageError
    for a recipient that is none, BundleError where the disk refuses and for a target that is there.
    """
    to = recipients(texts)
    import pyrage

    try:
        with source.open("rb") as reader, _New(target, lasting=False) as writer:
            pyrage.encrypt_io(reader, writer, to)
    except OSError as error:
        raise BundleError(f"cannot encrypt {source}: {error.strerror}") from error
    return digest.of_file(target)


def unveil(bundle: Path, member: str, identity: Path, target: Path) -> digest.Digest:
    """Decrypt `member` of a bundle with the identity file `identity` into `target`; raises like `decrypt`."""
    return decrypt(cat(bundle, member), member, identities(identity), target)


def decrypt(chunks: Iterator[bytes], member: str, keys: Sequence[Any], target: Path) -> digest.Digest:
    """Decrypt what `chunks` hold, the content of `member`, into `target`; the digest is of the plain text.

    `target` is for its owner alone, appears whole or not at all and is never overwritten. Raises VerificationError
    where the content is damaged or not for one of `keys`, BundleError where the disk refuses.
    """
    import pyrage

    first = next(chunks, b"")
    try:
        with _New(target) as writer:
            pyrage.decrypt_io(_Reader(chain([first], chunks)), writer, keys)
    except (pyrage.DecryptError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise BundleError(f"cannot write {target}: {error.strerror}") from error
        raise VerificationError(f"{member} does not open with this identity", "another one, or damaged") from error
    return digest.of_file(target)


def identities(path: Path) -> list[Any]:
    """The identities in an age key file (one a line, `#` comments), or in one SSH private key; else UsageError."""
    need("pyrage", "opening sealed originals")
    import pyrage

    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    try:
        if text.startswith(b"-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(text)]
        words = text.decode().split()
        found = [pyrage.x25519.Identity.from_str(word) for word in words if word.startswith("AGE-SECRET-KEY-")]
    except (pyrage.IdentityError, UnicodeDecodeError) as error:
        raise _no_identity(path, text, str(error)) from error
    if not found:
        raise UsageError(f"no identity in {path}", "the file that age-keygen made")
    return found


def _no_identity(path: Path, text: bytes, why: str) -> UsageError:
    """What is wrong with a file that is no identity as it is; `why`: in the words of the library."""
    if "decrypted first" in why or any(mark in text[:200] for mark in _LOCKED):
        hint = "open a copy: ssh-keygen -p for an SSH key, age -d for a file that age encrypted"
        return UsageError(f"the identity in {path} is encrypted with a passphrase", hint)
    if why.startswith("unsupported key"):
        return UsageError(f"the SSH key in {path} is of a kind that opens nothing", "Ed25519 or RSA, as age has it")
    return UsageError(f"not an identity file: {path}", "the file that age-keygen made, or an SSH private key")


class _New:
    """A file that appears under its name, whole, when the block ends well, and not at all otherwise.

    It never takes the place of another. One that is `lasting` is on the disk by then.
    """

    def __init__(self, path: Path, *, lasting: bool = True) -> None:
        self.path, self.unnamed, self._lasting = path, path.with_name(path.name + ".part"), lasting

    def __enter__(self) -> io.FileIO:
        if self.path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.path))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.unnamed.unlink(missing_ok=True)
        self.file = io.FileIO(os.open(self.unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        return self.file

    def __exit__(self, kind: object, *_: object) -> None:
        with self.file:
            if self._lasting:
                os.fsync(self.file.fileno())
        try:
            if kind is None and self._lasting:
                digest.publish(self.unnamed, self.path)
            elif kind is None:
                self.unnamed.replace(self.path)
        finally:
            self.unnamed.unlink(missing_ok=True)


class _Reader(io.RawIOBase):
    """Chunks as a file to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held = chunks, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        if not self._held:
            self._held = next(self._chunks, b"")
        taken = self._held if size < 0 else self._held[:size]
        self._held = self._held[len(taken) :]
        return taken
