"""DSSE envelopes (github.com/secure-systems-lab/dsse, v1): a payload and signatures over it and its type."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from irkit.bundle.attest.keys import PublicKey, Signer
from irkit.errors import VerificationError

TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was signed, and each signature with the key id it claims; the claim only says which key to try."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    def signed_by(self, key: PublicKey) -> bool:
        """Whether any of the signatures is of `key`."""
        message = _pae(self.payload)
        return any(key.made(signature, message) for _, signature in self.signatures)


def seal(payload: bytes, signers: Sequence[Signer]) -> bytes:
    """The envelope over `payload` as JSON; the same inputs give the same bytes."""
    message = _pae(payload)
    return encode(Envelope(payload, tuple((signer.public.id, signer.sign(message)) for signer in signers)))


def encode(envelope: Envelope) -> bytes:
    """An envelope as irkit writes it."""
    text = {
        "payload": base64.b64encode(envelope.payload).decode(),
        "payloadType": TYPE,
        "signatures": [{"keyid": id, "sig": base64.b64encode(sig).decode()} for id, sig in envelope.signatures],
    }
    return json.dumps(text, sort_keys=True).encode() + b"\n"


def decode(text: bytes) -> Envelope:
    """The envelope that `text` holds, whoever wrote it; raises VerificationError where it holds none of our type."""
    try:
        told: dict[str, Any] = json.loads(text)
        if told["payloadType"] != TYPE:
            raise VerificationError(f"an envelope of another type: {told['payloadType']!r}")
        signatures = tuple((str(one.get("keyid", "")), _bytes(one["sig"])) for one in told["signatures"])
        return Envelope(_bytes(told["payload"]), signatures)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise VerificationError("not a DSSE envelope") from error


def _bytes(text: str) -> bytes:
    """DSSE allows both alphabets of base64."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)


def _pae(payload: bytes) -> bytes:
    """Pre-authentication encoding: type and payload with their lengths, so that neither can pass for the other."""
    return b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)
