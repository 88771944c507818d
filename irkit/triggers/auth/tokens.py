"""A shared secret sent as it is: bearer tokens, basic authentication, API keys. Only over TLS, or on loopback."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from irkit.triggers.auth.guard import Denied, Secret, Why, header, matches
from irkit.triggers.formats.reading.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Token:
    """One header that must be `scheme`, a space, and one of the secrets; without a scheme the secret alone."""

    secrets: tuple[Secret, ...]
    name: str = "authorization"
    scheme: str = "bearer"
    status = 401

    def check(self, delivery: Delivery) -> None:
        """Raises Denied; the scheme's case does not matter (RFC 9110)."""
        given = header(delivery, self.name)
        if self.scheme:
            scheme, _, given = given.partition(b" ")
            if scheme.lower() != self.scheme.encode():
                raise Denied(Why.MISSING)
        if not matches([given.strip()], [secret.value for secret in self.secrets]):
            raise Denied(Why.WRONG)


def basic(user: str, passwords: Sequence[Secret]) -> Token:
    """Basic authentication: the pair is compared as it is sent, so nothing of it is decoded first."""
    pairs = (base64.b64encode(user.encode() + b":" + password.value) for password in passwords)
    return Token(tuple(map(Secret, pairs)), scheme="basic")


@dataclass(frozen=True, slots=True)
class ByTransport:
    """mTLS: who got this far showed a certificate of the authority that the server was started with."""

    status = 403

    def check(self, delivery: Delivery) -> None:
        """The TLS handshake has checked."""
