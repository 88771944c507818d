"""Ed25519 keys in the files that openssl makes and reads: PKCS #8 and SubjectPublicKeyInfo, in PEM.

A key id is the SHA-256 of the public key's DER. It names a key in messages; it never makes one trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from irkit import digest
from irkit.bundle.attest import need
from irkit.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Somebody's public key; `der` is its SubjectPublicKeyInfo, `name` what its holder is called ("" unknown)."""

    der: bytes
    name: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """The key id: 64 hex digits."""
        return digest.of_bytes(self.der)

    def made(self, signature: bytes, message: bytes) -> bool:
        """Whether the holder of this key signed `message` so."""
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        try:
            key = load_der_public_key(self.der)
            if isinstance(key, Ed25519PublicKey):
                key.verify(signature, message)
                return True
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            pass  # a hostile key signs nothing
        return False


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who can sign: a public key and the secret behind it, which never shows in a repr."""

    public: PublicKey
    _secret: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`, 64 bytes; the same message gives the same signature (RFC 8032)."""
        return self._secret.sign(message)


def generate(path: Path, passphrase: str | None = None) -> PublicKey:
    """Make a key pair: `path` for its owner alone (encrypted when a passphrase is given), `<path>.pub` to hand out.

    Raises UsageError where a file is in the way: no key is ever overwritten.
    """
    need("cryptography", "a signing key")
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = Ed25519PrivateKey.generate()
    hidden = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    private = secret.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, hidden)
    public = secret.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    _write_new(path, private, 0o600)
    try:
        _write_new(Path(f"{path}.pub"), public, 0o644)
    except UsageError:  # half a pair would only be in the way of the next
        path.unlink()
        raise
    return public_key(Path(f"{path}.pub"))


def _write_new(path: Path, text: bytes, mode: int) -> None:
    try:
        digest.create(path, text, mode)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", "choose another name") from error


def signer(path: Path, passphrase: str | None = None) -> Signer:
    """The signer whose private key is in the file at `path`; raises UsageError for anything else."""
    need("cryptography", "a signing key")
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = _private(_read(path), path, passphrase)
    if not isinstance(secret, Ed25519PrivateKey):
        raise UsageError(f"not an Ed25519 key: {path}", "irkit bundle keygen makes one")
    der = secret.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return Signer(PublicKey(der, path.stem), secret)


def _private(pem: bytes, path: Path, passphrase: str | None) -> object:
    from cryptography.hazmat.primitives import serialization as form

    try:
        return form.load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except TypeError as error:  # encrypted and no passphrase, or a passphrase and not encrypted
        if passphrase:
            return _private(pem, path, None)
        raise UsageError(f"{path} is encrypted", "IRKIT_SIGN_PASSPHRASE holds its passphrase") from error
    except ValueError as error:
        if passphrase:
            raise UsageError(f"{path} does not open with this passphrase", "correct IRKIT_SIGN_PASSPHRASE") from error
        raise UsageError(f"not a private key in PEM: {path}", "the file that irkit bundle keygen made") from error


def public_key(path: Path) -> PublicKey:
    """The public key in the PEM file at `path`; raises UsageError for anything else."""
    need("cryptography", "a signing key")
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = form.load_pem_public_key(_read(path))
    except ValueError as error:
        raise UsageError(f"not a public key: {path}", "the .pub file that irkit bundle keygen made") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"not an Ed25519 key: {path}", "irkit bundle keygen makes one")
    return PublicKey(key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo), path.stem)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "the path of a key file; keygen makes one") from error
