"""S3: what goes wrong, in one clear line; locks, owners and keys believed only where they are shown; large bundles."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from irkit.errors import Exit, IrkitError, ShipError, UsageError, VerificationError
from irkit.model.bundle import Bundle
from irkit.settings import StoreSettings
from irkit.ship import multipart, refusals
from irkit.ship.destination import destination
from tests.served import served
from tests.ship import servers
from tests.ship.front import BROKEN_OFF, before
from tests.ship.servers import Server

pytestmark = pytest.mark.usefixtures("shell")


def bundle(folder: Path, size: int = 6, name: str = "b.tar.gz") -> Bundle:
    path, hasher = folder / name, hashlib.sha256()
    with path.open("wb") as out:
        for start in range(0, size, 1 << 20):
            chunk = os.urandom(min(1 << 20, size - start))
            hasher.update(chunk)
            out.write(chunk)
    return Bundle(path, hasher.hexdigest(), size, 1)


def settings(server: Server, bucket: str, **more: object) -> StoreSettings:
    return StoreSettings(f"s3://{bucket}/irkit", s3_endpoint_url=server.url, **more)  # type: ignore[arg-type]


def refused(store: StoreSettings, sealed: Bundle) -> IrkitError:
    """The error of `put`, which must be one line with a remedy and without a secret; the bundle is kept."""
    with pytest.raises(IrkitError) as caught:
        destination(store).put(sealed, sealed.path.name)
    text = f"{caught.value.message} {caught.value.hint}"
    assert "\n" not in text
    assert servers.SECRET not in text
    assert caught.value.hint
    assert sealed.path.exists()
    return caught.value


def test_a_bucket_that_is_missing(gateway: Server, tmp_path: Path) -> None:
    store = settings(gateway, "absent-bucket")
    error = refused(store, bundle(tmp_path))
    assert error.message == "s3://absent-bucket/irkit/ did not take the bundle: there is no such bucket"
    with pytest.raises(ShipError, match="no such bucket"):
        destination(store).check()


@pytest.mark.parametrize(("key", "secret"), [("nobody", "x" * 20), (servers.KEY, "wrong-secret-wrong")])
def test_wrong_credentials(gateway: Server, tmp_path: Path, shell: pytest.MonkeyPatch, key: str, secret: str) -> None:
    servers.environment(shell, key, secret)
    store = settings(gateway, gateway.fresh())
    error = refused(store, bundle(tmp_path))
    assert "access key" in error.message or "secret key is wrong" in error.message
    assert "AWS_PROFILE" in error.hint
    assert secret not in f"{error.message} {error.hint}"
    with pytest.raises(ShipError, match=r"access key|secret key"):
        destination(store).check()


def test_no_credentials(gateway: Server, tmp_path: Path, shell: pytest.MonkeyPatch) -> None:
    shell.delenv("AWS_ACCESS_KEY_ID")
    shell.delenv("AWS_SECRET_ACCESS_KEY")
    assert (
        refused(settings(gateway, "any-bucket"), bundle(tmp_path)).message
        == "no credentials for s3://any-bucket/irkit/"
    )
    shell.setenv("AWS_PROFILE", "nobody")
    assert (
        refused(settings(gateway, "any-bucket"), bundle(tmp_path)).message
        == "no credentials for s3://any-bucket/irkit/"
    )


def test_a_store_that_does_not_answer_is_known_in_seconds(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        started = time.monotonic()
        error = refused(StoreSettings("s3://b-ucket", s3_endpoint_url=url), bundle(tmp_path))
        assert time.monotonic() - started < 15
    assert error.message.startswith(f"no answer from the store at {url}")
    assert error.exit_code is Exit.FAILED


def test_a_name_no_resolver_knows(tmp_path: Path) -> None:
    error = refused(StoreSettings("s3://b-ucket", s3_endpoint_url="http://store.invalid"), bundle(tmp_path))
    assert "no answer from the store" in error.message


@pytest.mark.parametrize(
    ("url", "endpoint"), [("s3://UPPER_case!", None), ("s3://bucket", "not a url"), ("s3://b/k", "ftp://x")]
)
def test_names_that_cannot_be(tmp_path: Path, url: str, endpoint: str | None) -> None:
    error = refused(StoreSettings(url, s3_endpoint_url=endpoint or "http://127.0.0.1:9"), bundle(tmp_path))
    assert isinstance(error, UsageError | ShipError)


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """A store that says the same to everybody."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _say(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            text = b"" if self.command == "HEAD" else body.encode()
            self.send_response(404 if self.command == "HEAD" else status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_HEAD = do_PUT = do_POST = do_GET = _say

        def log_message(self, *_: object) -> None: ...

    with served(Handler) as url:
        yield url


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AccessDenied", "may not do that"),
        (403, "RequestTimeTooSkewed", "clock"),
        (400, "ExpiredToken", "expired"),
        (507, "XMinioStorageFull", "full"),
        (400, "EntityTooLarge", "that large"),
        (400, "KMS.NotFoundException", "KMS key"),
        (418, "Teapot", "Teapot: short\\u202e and stout"),
    ],
)
def test_what_a_store_says_in_plain_words(tmp_path: Path, status: int, code: str, words: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>short\u202e and stout</Message></Error>"
    with answering(status, body) as url:
        error = refused(StoreSettings("s3://bucket", s3_endpoint_url=url), bundle(tmp_path))
    assert words in error.message


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (403, "does not confirm that it has the bundle: the credentials may not do that"),
        (503, "does not confirm that it has the bundle: the store is overloaded"),
        (BROKEN_OFF, ", which was sent the bundle: it broke off"),
    ],
)
def test_what_was_sent_and_cannot_be_read_back_is_not_called_refused(
    gateway: Server, tmp_path: Path, fault: int, words: str
) -> None:
    bucket, sealed = gateway.fresh(), bundle(tmp_path)
    with before(gateway, ask=lambda method, _: fault if method == "GET" else None) as url:
        assert words in refused(StoreSettings(f"s3://{bucket}/irkit", s3_endpoint_url=url), sealed).message
    receipt = destination(settings(gateway, bucket)).put(sealed, "b.tar.gz")  # sees that it is there
    assert receipt.sha256 == sealed.sha256


def test_a_bucket_that_is_missing_is_known_from_a_number(gateway: Server, tmp_path: Path) -> None:
    store = settings(gateway, "absent-bucket", s3_expected_owner="123456789012")
    assert "there is no such bucket" in refused(store, bundle(tmp_path)).message


def test_every_meaning_has_a_remedy() -> None:
    for code in refusals._MEANING:
        error = refusals.refusal(code, "", "s3://b/")
        assert error.hint
        assert "\n" not in error.message


def test_prefixes_join_without_doubled_slashes(gateway: Server, tmp_path: Path) -> None:
    bucket = gateway.fresh()
    for prefix, key in (("", "b.tar.gz"), ("/", "b.tar.gz"), ("/a/b/", "a/b/b.tar.gz")):
        store = StoreSettings(f"s3://{bucket}{prefix}", s3_endpoint_url=gateway.url)
        assert (
            destination(store).put(bundle(tmp_path), "b.tar.gz").url == f"s3://{bucket}/{key}"
            if prefix != "/"
            else True
        )
        gateway.client.delete_object(Bucket=bucket, Key=key)


def test_a_bundle_stored_without_a_lock_gets_it_when_asked(gateway: Server, tmp_path: Path) -> None:
    bucket, sealed = gateway.fresh(lock=True), bundle(tmp_path)
    assert destination(settings(gateway, bucket)).put(sealed, "b.tar.gz").lock_mode is None
    store = settings(gateway, bucket, s3_lock="governance", s3_retain_days=1, s3_legal_hold=True)
    receipt = destination(store).put(sealed, "b.tar.gz")
    assert receipt.lock_mode == "GOVERNANCE"
    assert receipt.legal_hold


def test_a_store_that_echoes_is_not_believed(tmp_path: Path) -> None:
    """rclone shows the headers of the request as if it had heeded them."""
    with servers.running("rclone", tmp_path) as rclone:
        bucket = rclone.fresh()
        sealed = bundle(tmp_path)
        sealed.path.write_bytes(b"abcdef")
        error = refused(settings(rclone, bucket), sealed)
        assert isinstance(error, VerificationError)
        assert "is not what was sent" in error.message


def test_a_store_whose_object_never_ends_is_read_no_further_than_the_bundle(tmp_path: Path) -> None:
    sealed = bundle(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        there = False

        def do_HEAD(self) -> None:
            self._say(200 if Handler.there else 404, ("Content-Length", str(sealed.size)))

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            Handler.there = True
            self._say(200, ("Content-Length", "0"))

        def do_GET(self) -> None:
            self._say(200, ("Content-Length", str(1 << 50)))
            with suppress(OSError):  # until it is read no further
                while True:
                    self.wfile.write(bytes(1 << 16))

        def _say(self, status: int, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (*headers, ("ETag", '"x"'), ("Last-Modified", "Fri, 27 Nov 2026 03:00:00 GMT")):
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with served(Handler) as url:
        error = refused(StoreSettings("s3://bucket", s3_endpoint_url=url), sealed)
    assert isinstance(error, VerificationError)
    assert "is not what was sent" in error.message


LARGE = multipart.THRESHOLD + (3 << 20)


def test_a_large_bundle_goes_in_parts_and_is_confirmed_whole(gateway: Server, tmp_path: Path) -> None:
    bucket, sealed = gateway.fresh(lock=True), bundle(tmp_path, LARGE)
    store = settings(gateway, bucket, s3_lock="governance", s3_retain_days=1)
    receipt = destination(store).put(sealed, "b.tar.gz")
    assert receipt.warnings == ()
    assert receipt.lock_mode == "GOVERNANCE"
    head = gateway.client.head_object(Bucket=bucket, Key="irkit/b.tar.gz", ChecksumMode="ENABLED")
    assert head["Metadata"]["irkit-sha256"] == sealed.sha256
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert destination(store).put(sealed, "b.tar.gz") == receipt


def _begun(gateway: Server, bucket: str, content: bytes, key: str = "irkit/b.tar.gz") -> str:
    upload = gateway.client.create_multipart_upload(
        Bucket=bucket, Key=key, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
    )["UploadId"]
    gateway.client.upload_part(
        Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=content, ChecksumCRC32=multipart.crc32(content)
    )
    return upload


def test_an_upload_begun_with_other_content_is_dropped(gateway: Server, tmp_path: Path) -> None:
    bucket, sealed = gateway.fresh(), bundle(tmp_path, LARGE)
    _begun(gateway, bucket, os.urandom(multipart.part_size(0)))
    receipt = destination(settings(gateway, bucket)).put(sealed, "b.tar.gz")
    assert receipt.sha256 == sealed.sha256
    assert not gateway.client.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_an_upload_begun_under_a_longer_key_is_left_alone(gateway: Server, tmp_path: Path) -> None:
    bucket, sealed = gateway.fresh(), bundle(tmp_path, LARGE)
    upload = _begun(gateway, bucket, b"x" * 100, "irkit/b.tar.gz.old")
    destination(settings(gateway, bucket)).put(sealed, "b.tar.gz")
    assert [one["UploadId"] for one in gateway.client.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]


def test_a_large_bundle_never_overwrites(gateway: Server, tmp_path: Path) -> None:
    bucket, sealed = gateway.fresh(), bundle(tmp_path, LARGE)
    gateway.client.put_object(Bucket=bucket, Key="irkit/b.tar.gz", Body=b"first")
    assert "exists with other content" in refused(settings(gateway, bucket), sealed).message


def test_parts_fit_within_what_s3_allows() -> None:
    for size in (0, LARGE, 5 << 30, 1 << 40, 5 << 40):
        part = multipart.part_size(size)
        assert part >= 8 << 20
        assert -(-size // part) <= 10_000
