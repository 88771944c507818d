"""What a store says when it refuses never brings a secret into an error, a log or the output."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import pytest

from irkit.bundle.redact.sayings import masked
from irkit.errors import IrkitError
from irkit.playbook.door import destination
from irkit.settings import StoreSettings
from irkit.ship import refusals
from tests.bundle import bags
from tests.served import served
from tests.ship import servers

KEY, SECRET, TOKEN = "storekey-of-ours", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzz", "FwoGZXIvYXdz/EJr+our=session"
OTHERS = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJl"
WORD = "hunter2-Zebra-91"

pytestmark = pytest.mark.usefixtures("login")
Says = Callable[[Message], str]


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    servers.environment(monkeypatch, KEY, SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


@contextmanager
def store(says: Says, sent: list[str]) -> Iterator[str]:
    """A store that refuses every request in words about it; `sent` gets the signature of each."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent.append(self.headers["Authorization"].rpartition("=")[2])
            text = b"" if self.command == "HEAD" else says(self.headers).encode()
            self.send_response(404 if self.command == "HEAD" else 418)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_HEAD = do_PUT = do_POST = do_GET = _refuse

        def log_message(self, *_: object) -> None: ...

    with served(Handler) as url:
        yield url


def error(code: str, message: str) -> str:
    return f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"


def presigned(headers: Message) -> str:
    signature = headers["Authorization"].rpartition("=")[2]
    query = {"X-Amz-Credential": f"{KEY}/20261126", "X-Amz-Security-Token": TOKEN, "X-Amz-Signature": signature}
    return error("Moved", f"it is at https://store.example/b?{urlencode(query)}")


ECHOES: dict[str, Says] = {
    "the header": lambda sent: error("Teapot", f"no such thing: Authorization: {sent['Authorization']}"),
    "the signature": lambda sent: error("Teapot", f"{sent['Authorization'].rpartition('=')[2]} does not match"),
    "the key": lambda _: error("Teapot", f"the access key {KEY} is short and stout"),
    "the secret": lambda _: error("Teapot", f"computed with {SECRET}, or {quote(SECRET, safe='')} in a URL"),
    "the token": lambda sent: error("Teapot", f"token {sent['X-Amz-Security-Token']} is stale"),
    "a signed URL": presigned,
    "as a code": lambda _: error(f"Teapot-{SECRET}", "short and stout"),
    "about keys": lambda _: error("KMS.Teapot", f"no KMS grant for {TOKEN}"),
    "what a proxy says": lambda _: error("Teapot", f"upstream http://proxy:{WORD}@10.0.0.1/ said Bearer {OTHERS}"),
    "behind the cut": lambda _: error("Teapot", "x" * 170 + f" {SECRET}"),
    "over lines": lambda _: error("Teapot", f"Authorization:\n  Bearer {OTHERS}"),
}


def clean(told: str, sent: list[str]) -> None:
    assert sent
    for secret in (KEY, SECRET, SECRET[:12], quote(SECRET, safe=""), TOKEN, quote(TOKEN, safe=""), *sent):
        assert secret not in told
    for secret in (OTHERS, OTHERS[:30], WORD):
        assert secret not in told


@pytest.mark.parametrize("echo", ECHOES)
def test_a_refusal_is_told_without_the_secrets_in_it(tmp_path: Path, echo: str) -> None:
    sent: list[str] = []
    with store(ECHOES[echo], sent) as url, pytest.raises(IrkitError) as caught:
        destination(StoreSettings("s3://bucket/x", s3_endpoint_url=url)).put(bags.bundle(tmp_path), "b.tar.gz")
    told = f"{caught.value.message} {caught.value.hint}"
    clean(told, sent)
    assert "s3://bucket/x" in told
    assert "\n" not in told
    assert "REDACTED" in told or echo == "behind the cut"


def test_so_is_all_that_the_command_prints_and_logs(tmp_path: Path) -> None:
    """At level debug, too, where the SDK would write down the headers that it sends."""
    sent: list[str] = []
    with store(ECHOES["the header"], sent) as url:
        command = ["ship", str(bags.bundle(tmp_path).path), "--store", "s3://bucket/x", "--s3-endpoint-url", url]
        ended = subprocess.run(
            [sys.executable, "-m", "irkit", *command, "--log-level", "debug", "-o", "json"],
            env=os.environ | {"IRKIT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert "no such thing: Authorization" in ended.stderr
    clean(ended.stdout + ended.stderr, sent)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (f"s3s://{KEY}:{WORD}@store/x", "http://127.0.0.1:9"),
        (f"s3://{KEY}:{SECRET}@bucket/x", "http://127.0.0.1:9"),
        ("s3://bucket/x", f"http://someone:{WORD}@127.0.0.1:9"),
        ("s3://bucket/x", f"ftp://someone:{WORD}@127.0.0.1:9"),
    ],
)
def test_credentials_in_an_address_are_not_repeated(tmp_path: Path, url: str, endpoint: str) -> None:
    with pytest.raises(IrkitError) as caught:
        destination(StoreSettings(url, s3_endpoint_url=endpoint)).put(bags.bundle(tmp_path), "b.tar.gz")
    for secret in (SECRET, SECRET[:12], WORD):
        assert secret not in f"{caught.value.message} {caught.value.hint}"


def test_the_usual_codes_pass_as_they_are() -> None:
    assert [code for code in refusals._MEANING if masked(code) != code] == []
