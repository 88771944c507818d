"""The sender's requests pass, all others do not, and nothing but Denied comes of them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from irkit.errors import UsageError
from irkit.triggers.auth import signatures
from irkit.triggers.auth.certificates import FETCHES, MAX_BYTES, Fetched, FromFile, from_file, over_https
from irkit.triggers.auth.guard import Denied, Guard, Secret, Why
from irkit.triggers.auth.signatures import Hmac, PagerDuty, Standard
from irkit.triggers.auth.sns import Sns
from irkit.triggers.auth.tokens import ByTransport, Token, basic
from irkit.triggers.formats.reading.delivery import Delivery
from tests.triggers.auth import senders
from tests.triggers.formats.deliveries import AT, corpus_json

OLD, NEW = Secret(b"o" * 32), Secret(b"n" * 32)
BODY = b'{"a": 1}'
MINUTES = timedelta(minutes=1)


def why(guard: Guard, headers: Mapping[str, str], body: bytes = BODY) -> Why | None:
    """Why the guard refuses; None where it does not."""
    try:
        guard.check(Delivery("test", body, AT, headers))
    except Denied as denied:
        return denied.why
    return None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Bearer " + "o" * 32, None),
        ("bearer " + "n" * 32, None),
        ("Bearer " + "x" * 32, Why.WRONG),
        ("Bearer " + "o" * 31, Why.WRONG),
        ("Bearer \xe9", Why.WRONG),
        ("Bearer", Why.WRONG),
        ("Basic " + "o" * 32, Why.MISSING),
        ("", Why.MISSING),
    ],
)
def test_bearer(value: str, expected: Why | None) -> None:
    assert why(Token((OLD, NEW)), {"authorization": value}) is expected


def test_basic_and_api_key() -> None:
    pair = base64.b64encode(b"am:" + b"n" * 32).decode()
    assert why(basic("am", [OLD, NEW]), {"authorization": f"Basic {pair}"}) is None
    assert why(basic("other", [OLD, NEW]), {"authorization": f"Basic {pair}"}) is Why.WRONG
    assert why(Token((OLD,), "x-api-key", ""), {"x-api-key": "o" * 32}) is None
    assert why(Token((OLD,), "x-api-key", ""), {"authorization": "o" * 32}) is Why.MISSING
    assert why(ByTransport(), {}) is None


def test_hmac_with_two_live_secrets() -> None:
    for secret, expected in ((OLD, None), (NEW, None), (Secret(b"x" * 32), Why.WRONG)):
        digest = hmac.digest(secret.value, BODY, hashlib.sha256).hex()
        assert why(Hmac((OLD, NEW), prefix="sha256="), {"x-signature": f"sha256={digest}"}) is expected


def test_hmac_with_grafanas_timestamp() -> None:
    guard = Hmac((OLD,), "x-grafana-alerting-signature", timestamp="x-time")
    for age, expected in ((0, None), (4, None), (6, Why.STALE), (-6, Why.STALE)):
        sent = str(int((AT - age * MINUTES).timestamp()))
        digest = hmac.digest(OLD.value, f"{sent}:".encode() + BODY, hashlib.sha256).hex()
        headers = {"x-grafana-alerting-signature": digest, "x-time": sent}
        assert why(guard, headers) is expected
        assert why(guard, headers | {"x-time": str(int(AT.timestamp()) + 1)}) is Why.WRONG
    assert why(guard, {"x-grafana-alerting-signature": digest}) is Why.MISSING
    digest = hmac.digest(OLD.value, b"soon:" + BODY, hashlib.sha256).hex()
    assert why(guard, {"x-grafana-alerting-signature": digest, "x-time": "soon"}) is Why.WRONG


def test_pagerduty_bodies_of_the_corpus_verify_and_the_tampered_one_does_not() -> None:
    found = corpus_json("Aldaviva__PagerDuty/pagerduty_v3_signed_open.json")
    guard = PagerDuty((Secret(found["secret"].encode()), NEW))
    for vector in found["vectors"]:
        headers = {name.lower(): value for name, value in vector["header"].items()}
        assert (why(guard, headers, vector["body"].encode()) is None) == vector["expect_valid"], vector["name"]
        assert why(guard, headers, vector["body"].encode() + b" ") is Why.WRONG
        assert why(PagerDuty((NEW,)), headers, vector["body"].encode()) is Why.WRONG


def test_pagerduty_signs_with_each_of_its_secrets() -> None:
    signature = "v1=00, " + senders.pagerduty(OLD.value, BODY)["x-pagerduty-signature"]
    assert why(PagerDuty((OLD,)), {"x-pagerduty-signature": signature}) is None
    assert why(PagerDuty((OLD,)), {"x-pagerduty-signature": signature.replace("v1=", "v0=")}) is Why.WRONG
    assert why(PagerDuty((OLD,)), {}) is Why.MISSING


@pytest.mark.parametrize(("age", "expected"), [(0, None), (4, None), (-4, None), (6, Why.STALE), (-6, Why.STALE)])
def test_standard_webhooks_and_their_window(age: int, expected: Why | None) -> None:
    headers = senders.standard(OLD.value, "msg_1", AT - age * MINUTES, BODY)
    assert why(Standard((NEW, OLD)), headers) is expected
    assert why(Standard((NEW,)), headers) is Why.WRONG
    for name in headers:
        assert why(Standard((OLD,)), headers | {name: "7"}) is Why.WRONG
        assert why(Standard((OLD,)), headers | {name: ""}) is Why.MISSING


def test_standard_webhooks_of_the_specifications_own_example() -> None:
    """The vector of https://github.com/standard-webhooks/standard-webhooks libraries' tests."""
    guard = signatures.standard([b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    digest = hmac.digest(
        guard.secrets[0].value, b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}', "sha256"
    )
    assert base64.b64encode(digest) == b"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_standard_webhooks_by_public_key() -> None:
    private = Ed25519PrivateKey.generate()
    text = b"whpk_" + base64.b64encode(private.public_key().public_bytes_raw())
    guard = signatures.standard([text, b"whsec_" + base64.b64encode(OLD.value)])
    headers = senders.standard(OLD.value, "m", AT, BODY)
    assert why(guard, headers) is None
    signed = f"m.{headers['webhook-timestamp']}.".encode() + BODY
    own = base64.b64encode(private.sign(signed)).decode()
    assert why(guard, headers | {"webhook-signature": f"v1a,{own}"}) is None
    for bad in (f"v1,{own}", "v1a,AAAA", "v1a,%"):
        assert why(guard, headers | {"webhook-signature": bad}) is Why.WRONG


@pytest.mark.parametrize("text", [b"whsec_%%%", b"plain", b"whpk_AAAA", b"whsec_AAAA"])
def test_standard_webhooks_secrets_of_the_wrong_kind(text: bytes) -> None:
    with pytest.raises(UsageError):
        signatures.standard([text])


SNS = Sns(frozenset({senders.TOPIC}), FromFile(senders.certificate(AT)))
CONFIRM = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "https://x", "Subject": None}


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("change", [{}, {"Subject": None}, CONFIRM])
def test_sns_signatures(version: str, change: dict[str, str | None]) -> None:
    assert why(SNS, {}, senders.sns(AT, "hello", version, change)) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"SigningCertURL": senders.URL.replace("amazonaws.com", "amazonaws.com.evil.example")}, Why.WRONG),
        ({"SigningCertURL": senders.URL.replace("https", "http")}, Why.WRONG),
        ({"SigningCertURL": senders.URL.replace("//", "//evil@")}, Why.WRONG),
        ({"SigningCertURL": senders.URL.replace("eu-west-1", "us-east-1")}, Why.WRONG),
        ({"SigningCertURL": "https://s3.eu-west-1.amazonaws.com/mine/x.pem"}, Why.WRONG),
        ({"SigningCertURL": senders.URL + "\n"}, Why.WRONG),
        ({"TopicArn": senders.TOPIC + "2"}, Why.WRONG),
        ({"SignatureVersion": "3"}, Why.WRONG),
        ({"Type": "Other"}, Why.WRONG),
        ({"Timestamp": "yesterday"}, Why.WRONG),
        ({"Timestamp": "2026-11-22T03:00:00Z"}, Why.STALE),
    ],
)
def test_sns_refuses(change: dict[str, str | None], expected: Why) -> None:
    assert why(SNS, {}, senders.sns(AT, "hello", change=change)) is expected


def test_sns_tampered_unsigned_and_expired() -> None:
    body = senders.sns(AT, "hello")
    assert why(SNS, {}, body.replace(b"hello", b"hallo")) is Why.WRONG
    assert why(SNS, {}, json.dumps(json.loads(body) | {"Signature": "%"}).encode()) is Why.WRONG
    assert why(SNS, {}, b'{"Type": "Notification"}') is Why.MISSING
    assert why(SNS, {}, b"[[") is Why.WRONG
    later = Delivery("test", senders.sns(AT + 90 * MINUTES * 24, "hello"), AT + 90 * MINUTES * 24)
    with pytest.raises(Denied, match="wrong"):
        SNS.check(later)
    assert why(Sns(SNS.topics, FromFile(b"no certificate")), {}, body) is Why.WRONG


def test_sns_fetches_seldom() -> None:
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return b"pem"

    now = [AT]
    certificates = Fetched(lambda: now[0], fetch)
    for number in [0, 0, *range(FETCHES)]:
        assert certificates(f"https://{number}") == b"pem"
    assert len(fetched) == FETCHES
    with pytest.raises(Denied):
        certificates("https://more")
    now[0] += 61 * MINUTES
    assert certificates("https://more") == b"pem"


class _Amazon(BaseHTTPRequestHandler):
    """What stands where the certificate should: as the path says."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:4]))
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(b"x" * (MAX_BYTES * 2))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_sns_certificates_come_whole_from_where_they_are_or_not_at_all() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Amazon) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            assert len(over_https(f"{url}/200")) == MAX_BYTES
            for path in ("302", "404", "500"):
                with pytest.raises(Denied):
                    over_https(f"{url}/{path}")
        finally:
            server.shutdown()
            thread.join()
    with pytest.raises(Denied):
        over_https(url)


def test_sns_certificate_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "sns.pem").write_bytes(senders.certificate(AT))
    guard = Sns(SNS.topics, from_file(tmp_path / "sns.pem"))
    assert why(guard, {}, senders.sns(AT, "hello")) is None
    with pytest.raises(UsageError, match="cannot read"):
        from_file(tmp_path / "missing.pem")


def test_secrets_do_not_show_and_are_not_short() -> None:
    assert "ooo" not in repr(Token((OLD,)))
    with pytest.raises(UsageError, match="shorter"):
        Secret(b"hunter2")


GUARDS: list[Guard] = [
    Token((OLD,)), basic("u", [OLD]), Hmac((OLD,)), Hmac((OLD,), timestamp="x-time"), PagerDuty((OLD,)),
    Standard((OLD,), (b"p" * 32,)), SNS,
]  # fmt: skip
NAMES = ["authorization", "x-signature", "x-time", "x-pagerduty-signature"]
NAMES += ["webhook-id", "webhook-timestamp", "webhook-signature"]


@given(
    st.sampled_from(GUARDS),
    st.dictionaries(st.sampled_from(NAMES), st.text() | st.sampled_from(["Bearer x", "v1=", "v1,", "v1a,", "17"])),
    st.binary() | st.sampled_from([senders.sns(AT, "x").replace(b'"x"', b'"y"')]),
)
def test_a_stranger_is_denied_and_nothing_else_happens(guard: Guard, headers: dict[str, str], body: bytes) -> None:
    let_in = False
    with contextlib.suppress(Denied):
        guard.check(Delivery("test", body, AT, headers))
        let_in = True
    assert not let_in
