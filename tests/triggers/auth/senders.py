"""Senders: what signs as the real ones do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from irkit import times

TOPIC = "arn:aws:sns:eu-west-1:123456789012:findings"
URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem"


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(at: datetime) -> bytes:
    """A certificate in PEM for a day around `at`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    day = timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key().public_key(), 7, at - day, at + day).sign(key(), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def sns(at: datetime, text: str, version: str = "2", change: Mapping[str, str | None] | None = None) -> bytes:
    """A notification; `change` replaces fields (None takes one away) before it is signed."""
    message = {
        "Type": "Notification", "MessageId": "m-1", "TopicArn": TOPIC, "Subject": "s", "Message": text,
        "Timestamp": times.rfc3339(at), "SignatureVersion": version, "SigningCertURL": URL,
        **(change or {}),
    }  # fmt: skip
    message = {name: value for name, value in message.items() if value is not None}
    names = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    signed = "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303
    message["Signature"] = base64.b64encode(key().sign(signed, padding.PKCS1v15(), algorithm)).decode()
    return json.dumps(message).encode()


def standard(secret: bytes, mark: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    sent = str(int(at.timestamp()))
    digest = hmac.digest(secret, f"{mark}.{sent}.".encode() + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": mark, "webhook-timestamp": sent, "webhook-signature": signature}


def pagerduty(secret: bytes, body: bytes) -> dict[str, str]:
    return {"x-pagerduty-signature": "v1=" + hmac.digest(secret, body, hashlib.sha256).hex()}
