"""Signatures over the raw body: PagerDuty, Standard Webhooks, Grafana and others like them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from irkit.errors import UsageError
from irkit.triggers.auth.guard import Denied, Secret, Why, fresh, header, matches
from irkit.triggers.formats.reading.delivery import Delivery


def _hmac(secrets: Sequence[Secret], signed: bytes) -> list[bytes]:
    return [hmac.digest(secret.value, signed, hashlib.sha256) for secret in secrets]


@dataclass(frozen=True, slots=True)
class Hmac:
    """HMAC-SHA256 in hex in one header after `prefix`: over the body, or over `timestamp:body` where a header has one.

    The second is Grafana's form (12 and later), and has a replay window.
    """

    secrets: tuple[Secret, ...]
    name: str = "x-signature"
    prefix: str = ""
    timestamp: str = ""  # the header that holds the Unix time; "": nothing but the body is signed
    status = 403

    def check(self, delivery: Delivery) -> None:
        """Raises Denied."""
        given, signed = header(delivery, self.name), delivery.body
        if self.timestamp:
            sent = header(delivery, self.timestamp)
            signed = sent + b":" + signed
        given = given.removeprefix(self.prefix.encode())
        if not matches([given], [digest.hex().encode() for digest in _hmac(self.secrets, signed)]):
            raise Denied(Why.WRONG)
        if self.timestamp:
            fresh(sent, delivery.received)


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """PagerDuty's webhooks v3: `v1=<hex>` for each live secret. No time is signed: the event's id tells replays."""

    secrets: tuple[Secret, ...]
    status = 403  # PagerDuty stops sending on a 403, and repeats on a 5xx

    def check(self, delivery: Delivery) -> None:
        """Raises Denied."""
        parts = (part.strip() for part in header(delivery, "x-pagerduty-signature").split(b","))
        given = [part.removeprefix(b"v1=") for part in parts if part.startswith(b"v1=")][:4]
        if not matches(given, [digest.hex().encode() for digest in _hmac(self.secrets, delivery.body)]):
            raise Denied(Why.WRONG)


@dataclass(frozen=True, slots=True)
class Standard:
    """Standard Webhooks: `v1` by shared secrets (`whsec_`), `v1a` by Ed25519 public keys (`whpk_`)."""

    secrets: tuple[Secret, ...] = ()
    public_keys: tuple[bytes, ...] = ()
    status = 403

    def check(self, delivery: Delivery) -> None:
        """Raises Denied; the signature is judged before the time, so that a forged time is a wrong signature."""
        sent = header(delivery, "webhook-timestamp")
        signed = b".".join((header(delivery, "webhook-id"), sent, delivery.body))
        given = header(delivery, "webhook-signature").split(b" ")[:8]
        shared = [part[3:] for part in given if part.startswith(b"v1,")]
        own = [part[4:] for part in given if part.startswith(b"v1a,")]
        good = matches(shared, [base64.b64encode(digest) for digest in _hmac(self.secrets, signed)])
        if not (good or any(_by(key, signature, signed) for key in self.public_keys for signature in own)):
            raise Denied(Why.WRONG)
        fresh(sent, delivery.received)


def standard(texts: Sequence[bytes]) -> Standard:
    """From secrets as the sender shows them: `whsec_...` or `whpk_...`. Raises UsageError."""
    secrets = tuple(Secret(_key(text, b"whsec_")) for text in texts if text.startswith(b"whsec_"))
    public = tuple(_key(text, b"whpk_") for text in texts if text.startswith(b"whpk_"))
    if len(secrets) + len(public) != len(texts) or any(len(key) != 32 for key in public):
        raise UsageError("a Standard Webhooks secret is whsec_ and base64, a public key whpk_ and base64 of 32 bytes")
    return Standard(secrets, public)


def _key(text: bytes, prefix: bytes) -> bytes:
    try:
        return base64.b64decode(text.removeprefix(prefix), validate=True)
    except binascii.Error as error:
        raise UsageError("a Standard Webhooks secret that is not base64") from error


def _by(public: bytes, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, binascii.Error):
        return False
    return True
