"""SNS: the signature stands inside the JSON, so the envelope, flat texts only, is read before it is believed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from irkit.model.alert import BadAlert
from irkit.triggers.auth.guard import Denied, Why
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.strict import read

# SNS repeats a delivery for some hours at most by its default policy; what is older is a replay.
WINDOW = timedelta(hours=24)
CERTIFICATE = re.compile(
    r"https://sns\.([a-z0-9-]{4,32})\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[0-9a-f]{32}\.pem"
)
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
# Order and presence: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}

# PEM of the certificate at a URL that matches CERTIFICATE; raises Denied where there is none to be had.
Certificates = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Sns:
    """Messages of the `topics` (ARNs), signed by a certificate that `certificates` knows."""

    topics: frozenset[str]
    certificates: Certificates
    status = 403

    def check(self, delivery: Delivery) -> None:
        """Raises Denied."""
        message = _envelope(delivery.body)
        signed, url = _signed(message), message.get("SigningCertURL", "")
        topic = message.get("TopicArn", "")
        place = CERTIFICATE.fullmatch(url)
        # arn:aws:sns:REGION:ACCOUNT:NAME, and the certificate is of the same region: another's proves nothing.
        if topic not in self.topics or place is None or topic.split(":")[3:4] != [place[1]]:
            raise Denied(Why.WRONG)
        _verify(self.certificates(url), message, signed, delivery)
        if abs(delivery.received - _sent(message)) > WINDOW:
            raise Denied(Why.STALE)


def _sent(message: dict[str, str]) -> datetime:
    try:
        return fields.instant(dict(message), "Timestamp")
    except BadAlert as error:
        raise Denied(Why.WRONG) from error


def _envelope(body: bytes) -> dict[str, str]:
    try:
        found = fields.obj(read(body), "body")
    except BadAlert as error:
        raise Denied(Why.WRONG) from error
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _signed(message: dict[str, str]) -> bytes:
    """What the signature is over: each field that is there, its name and value on lines of their own."""
    if not message.get("Signature"):
        raise Denied(Why.MISSING)
    names = _SIGNED.get(message.get("Type", ""), ())
    if any(name not in message for name in names if name != "Subject") or not names:
        raise Denied(Why.WRONG)
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()


def _verify(pem: bytes, message: dict[str, str], signed: bytes, delivery: Delivery) -> None:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    # SHA-1 is what topics sign with unless their SignatureVersion is set to 2: forging needs a second preimage.
    algorithms = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key, algorithm = certificate.public_key(), algorithms.get(message.get("SignatureVersion", ""))
        in_force = certificate.not_valid_before_utc <= delivery.received <= certificate.not_valid_after_utc
        if not isinstance(key, RSAPublicKey) or algorithm is None or not in_force:
            raise Denied(Why.WRONG)
        key.verify(base64.b64decode(message["Signature"], validate=True), signed, PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise Denied(Why.WRONG) from error
