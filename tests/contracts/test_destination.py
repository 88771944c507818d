"""One contract for every destination: a folder, rclone, versitygw, MinIO, moto.

What a store does not promise is a fact of the table below, and is tested too: the receipt must say so.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from irkit.errors import Exit, ShipError, VerificationError
from irkit.model.bundle import Bundle, Receipt
from irkit.settings import StoreSettings
from irkit.ship import multipart
from irkit.ship.destination import Destination, destination
from tests.ship import servers

STORES = ("folder", "rclone", "versitygw", "minio", "moto")
# Of several writers at once these let one win; they check what they are sent, and show a checksum of their own.
STRICT = ("folder", "versitygw", "minio")


@dataclass(frozen=True)
class Store:
    """A destination under test, and what is behind its back."""

    name: str
    settings: StoreSettings
    raw: Callable[[str], bytes]
    plant: Callable[[str, bytes], None]

    def open(self) -> Destination:
        """A fresh destination, as a new process would make it."""
        return destination(self.settings)


@pytest.fixture(scope="session", params=STORES)
def backing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[servers.Server | None]:
    if request.param == "folder":
        yield None
        return
    with servers.running(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def store(backing: servers.Server | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if backing is None:
        folder = tmp_path / "store"
        return Store(
            "folder", StoreSettings(folder.as_uri()), lambda key: (folder / key).read_bytes(), _planted(folder)
        )
    servers.environment(monkeypatch)
    server, bucket = backing, backing.fresh()

    def raw(key: str) -> bytes:
        return server.client.get_object(Bucket=bucket, Key=f"case/{key}")["Body"].read()

    def plant(key: str, content: bytes) -> None:
        server.client.put_object(Bucket=bucket, Key=f"case/{key}", Body=content)

    return Store(server.name, StoreSettings(f"s3://{bucket}/case", s3_endpoint_url=server.url), raw, plant)


def _planted(folder: Path) -> Callable[[str, bytes], None]:
    def plant(key: str, content: bytes) -> None:
        folder.mkdir(exist_ok=True)
        (folder / key).write_bytes(content)

    return plant


def bundle(folder: Path, content: bytes = b"sealed", name: str = "b.tar.gz") -> Bundle:
    path = folder / name
    path.write_bytes(content)
    return Bundle(path, hashlib.sha256(content).hexdigest(), len(content), 1)


def test_a_receipt_names_what_the_store_holds(store: Store, tmp_path: Path) -> None:
    sealed = bundle(tmp_path, os.urandom(3 << 20))
    store.open().check()
    receipt = store.open().put(sealed, "b.tar.gz")
    assert (receipt.sha256, receipt.size) == (sealed.sha256, sealed.size)
    assert receipt.url.endswith("/b.tar.gz")
    assert store.raw("b.tar.gz") == sealed.path.read_bytes()
    assert receipt.stored.tzinfo is not None
    assert bool(receipt.warnings) == (store.name not in STRICT)


def test_the_same_bundle_again_is_the_same_receipt(store: Store, tmp_path: Path) -> None:
    sealed = bundle(tmp_path)
    receipt = store.open().put(sealed, "b.tar.gz")
    assert store.open().put(sealed, "b.tar.gz") == receipt


@pytest.mark.parametrize("other", [b"longer than the bundle", b"SEALED", b""])
def test_other_content_under_the_key_is_kept(store: Store, tmp_path: Path, other: bytes) -> None:
    store.plant("b.tar.gz", other)
    with pytest.raises(ShipError, match="exists with other content and is kept") as caught:
        store.open().put(bundle(tmp_path), "b.tar.gz")
    assert caught.value.exit_code is Exit.FAILED
    assert caught.value.hint
    assert store.raw("b.tar.gz") == other


def test_a_bundle_that_is_not_as_it_was_sealed_is_not_taken_for_it(store: Store, tmp_path: Path) -> None:
    sealed = bundle(tmp_path)
    sealed.path.write_bytes(b"seal3d")
    with pytest.raises((ShipError, VerificationError)):
        store.open().put(sealed, "b.tar.gz")
    if store.name in STRICT:  # it was refused; elsewhere it is there, has no receipt and is never taken for the bundle
        with pytest.raises((FileNotFoundError, ClientError)):
            store.raw("b.tar.gz")
    sealed.path.write_bytes(b"sealed")
    if store.name not in STRICT:
        with pytest.raises(ShipError, match="exists with other content and is kept"):
            store.open().put(sealed, "b.tar.gz")


def test_a_bundle_that_is_gone_is_one_clear_line(store: Store, tmp_path: Path) -> None:
    sealed = bundle(tmp_path)
    sealed.path.unlink()
    with pytest.raises(ShipError, match="No such file") as caught:
        store.open().put(sealed, "b.tar.gz")
    assert "\n" not in caught.value.message


def test_check_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    store.open().check()
    receipt = store.open().put(bundle(tmp_path), "irkit-check")
    assert receipt.size == 6


S3 = pytest.mark.parametrize("backing", ["rclone", "versitygw", "minio", "moto"], indirect=True)
WORM = pytest.mark.parametrize("backing", ["versitygw", "minio", "moto"], indirect=True)
CHECKING = pytest.mark.parametrize("backing", ["versitygw", "minio"], indirect=True)


@S3
def test_a_large_bundle_goes_in_parts(store: Store, tmp_path: Path) -> None:
    sealed = bundle(tmp_path, os.urandom(1 << 20) * 19)
    assert sealed.size > multipart.THRESHOLD
    receipt = store.open().put(sealed, "b.tar.gz")
    assert receipt.etag
    assert bool(receipt.warnings) == (store.name == "rclone")
    assert hashlib.sha256(store.raw("b.tar.gz")).hexdigest() == sealed.sha256
    assert store.open().put(sealed, "b.tar.gz") == receipt


@S3
def test_a_large_bundle_that_is_not_as_it_was_sealed_is_never_completed(
    backing: servers.Server, store: Store, tmp_path: Path
) -> None:
    sealed = bundle(tmp_path, bytes(multipart.THRESHOLD + 1))
    with sealed.path.open("r+b") as file:
        file.write(b"tampered")
    with pytest.raises(ShipError, match="is not as it was sealed"):
        store.open().put(sealed, "b.tar.gz")
    with pytest.raises(ClientError):
        store.raw("b.tar.gz")


@CHECKING
def test_a_store_that_checks_refuses_a_wrong_checksum_whole_and_in_parts(backing: servers.Server, store: Store) -> None:
    """What irkit sends with every upload, sent with other bytes."""
    client, bucket = backing.client, backing.fresh()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with pytest.raises(ClientError, match=r"BadDigest|did not match|Mismatch"):
        client.put_object(Bucket=bucket, Key="b", Body=b"sealed", ChecksumSHA256=wrong)
    upload = client.create_multipart_upload(
        Bucket=bucket, Key="b", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
    )["UploadId"]
    crc = multipart.crc32(zlib.crc32(b"other"))
    with pytest.raises(ClientError, match=r"BadDigest|did not match|Mismatch"):
        client.upload_part(Bucket=bucket, Key="b", UploadId=upload, PartNumber=1, Body=b"sealed", ChecksumCRC32=crc)
    with pytest.raises(ClientError, match="404"):
        client.head_object(Bucket=bucket, Key="b")


# A process of its own, which kills itself when it would send the seventh part and so many answers have come.
SHIP = """
import logging, os, signal, sys
from pathlib import Path
from threading import Condition
from irkit.model.bundle import Bundle
from irkit.settings import StoreSettings
from irkit.ship.destination import destination
path, sha256, size, url, endpoint, enough = sys.argv[1:]
begun = answered = 0
turn = Condition()
class Death(logging.Filter):
    def filter(self, record):
        global begun, answered
        with turn:
            begun += "Making request" in str(record.msg) and getattr(record.args[0], "name", "") == "UploadPart"
            answered += begun > 0 and "Response headers" in str(record.msg)
            turn.notify_all()
            if begun >= 7:
                turn.wait_for(lambda: answered >= int(enough))
                os.kill(os.getpid(), signal.SIGKILL)
        return False
for name in ("botocore.endpoint", "botocore.parsers"):
    sdk = logging.getLogger(name)
    sdk.setLevel(logging.DEBUG)
    sdk.addFilter(Death())
destination(StoreSettings(url, s3_endpoint_url=endpoint)).put(Bundle(Path(path), sha256, int(size), 1), "b.tar.gz")
"""


def killed_in_the_middle(server: servers.Server, settings: StoreSettings, sealed: Bundle) -> int:
    """Ship until the seventh part is about to be sent, which is after the third arrived; returns how many did.

    moto's threads read a part while another still writes it, and list it wrongly: there all six have to be answered.
    """
    enough = 6 if server.name == "moto" else 3
    arguments = [str(sealed.path), sealed.sha256, str(sealed.size), settings.url, server.url, str(enough)]
    died = subprocess.run([sys.executable, "-c", SHIP, *arguments], check=False)
    assert died.returncode == -signal.SIGKILL
    arrived = server.arrived(settings.url.removeprefix("s3://").partition("/")[0])
    assert arrived >= enough
    return arrived


class Parts(logging.Handler):
    """Counts the parts that the SDK sends. It hands its requests over as nouns: nothing is formatted."""

    sent = 0

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and getattr(record.args[0], "name", "") == "UploadPart":
            self.sent += "Making request" in str(record.msg)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    sdk, heard = logging.getLogger("botocore.endpoint"), Parts()
    monkeypatch.setattr(sdk, "propagate", False)  # whoever formats a request writes down 8 MiB
    before = sdk.level
    sdk.setLevel(logging.DEBUG)
    sdk.addHandler(heard)
    yield heard
    sdk.removeHandler(heard)
    sdk.setLevel(before)


@S3
def test_an_upload_killed_in_the_middle_resumes_without_sending_again_what_arrived(
    backing: servers.Server, store: Store, tmp_path: Path, parts: Parts
) -> None:
    sealed = bundle(tmp_path, os.urandom(12 * multipart.part_size(0)))
    arrived = killed_in_the_middle(backing, store.settings, sealed)
    receipt = store.open().put(sealed, "b.tar.gz")
    assert receipt.size == sealed.size
    # What was under way when it was killed, four parts at most, may have arrived after they were counted.
    assert 12 - arrived - 4 <= parts.sent <= 12 - arrived
    assert hashlib.sha256(store.raw("b.tar.gz")).hexdigest() == sealed.sha256


@WORM
@pytest.mark.parametrize(("mode", "size"), [("governance", multipart.THRESHOLD + 1), ("compliance", 6)])
def test_a_locked_bundle_is_neither_deleted_nor_overwritten(
    backing: servers.Server, store: Store, tmp_path: Path, mode: str, size: int
) -> None:
    bucket = backing.fresh(lock=True)
    wishes = replace(store.settings, s3_lock=mode, s3_retain_days=2, s3_legal_hold=True)
    locked, sealed = destination(replace(wishes, url=f"s3://{bucket}/case")), bundle(tmp_path, bytes(size))
    locked.check()
    receipt = locked.put(sealed, "b.tar.gz")
    assert (receipt.lock_mode, receipt.legal_hold) == (mode.upper(), True)
    assert receipt.retain_until
    assert abs(receipt.retain_until - (datetime.now(UTC) + timedelta(days=2))) < timedelta(minutes=2)
    assert receipt.version_id
    assert locked.put(sealed, "b.tar.gz") == receipt
    with pytest.raises(ShipError, match="exists with other content"):
        locked.put(bundle(tmp_path, b"other", "other.tar.gz"), "b.tar.gz")
    behind_irkits_back(backing, bucket, receipt)
    body = backing.client.get_object(Bucket=bucket, Key="case/b.tar.gz", VersionId=receipt.version_id)["Body"]
    assert hashlib.sha256(body.read()).hexdigest() == sealed.sha256


def behind_irkits_back(backing: servers.Server, bucket: str, receipt: Receipt) -> None:
    """Whatever somebody with the same credentials tries before the date."""
    place: dict[str, Any] = {"Bucket": bucket, "Key": "case/b.tar.gz"}
    this: dict[str, Any] = place | {"VersionId": receipt.version_id}
    client = backing.client
    with pytest.raises(ClientError):
        client.delete_object(**this)
    if receipt.lock_mode == "COMPLIANCE":
        if backing.name != "moto":  # whose compliance mode gives way
            sooner: Any = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(hours=1)}
            with pytest.raises(ClientError):
                client.put_object_retention(**this, Retention=sooner)
        client.put_object_legal_hold(**this, LegalHold={"Status": "OFF"})
        with pytest.raises(ClientError):  # the date alone holds it too
            client.delete_object(**this)
    client.put_object(**place, Body=b"other")
    client.delete_object(**place)


@WORM
def test_a_bucket_without_object_lock_is_known_before_the_upload(
    backing: servers.Server, store: Store, tmp_path: Path
) -> None:
    locked = destination(replace(store.settings, s3_lock="governance", s3_retain_days=1))
    for ask in (locked.check, lambda: locked.put(bundle(tmp_path), "b.tar.gz")):
        with pytest.raises(ShipError, match="no Object Lock"):
            ask()
    with pytest.raises(ClientError):
        store.raw("b.tar.gz")


@pytest.mark.parametrize("backing", ["rclone"], indirect=True)
def test_a_store_without_locks_is_known_before_the_upload(
    backing: servers.Server, store: Store, tmp_path: Path
) -> None:
    locked = destination(replace(store.settings, s3_lock="governance", s3_retain_days=1))
    for ask in (locked.check, lambda: locked.put(bundle(tmp_path), "b.tar.gz")):
        with pytest.raises((ShipError, VerificationError)) as caught:
            ask()
        assert caught.value.hint
    with pytest.raises(ClientError):
        store.raw("b.tar.gz")


@pytest.mark.parametrize("backing", ["rclone", "moto"], indirect=True)
def test_what_a_plain_store_lets_happen_and_irkit_says(backing: servers.Server, store: Store, tmp_path: Path) -> None:
    """It takes a wrong checksum, or overwrites under If-None-Match: so its receipt warns, whatever it held."""
    client, bucket = backing.client, backing.fresh()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    client.put_object(Bucket=bucket, Key="b", Body=b"sealed", ChecksumSHA256=wrong)
    assert client.head_object(Bucket=bucket, Key="b")["ContentLength"] == len(b"sealed")
    assert store.open().put(bundle(tmp_path), "b.tar.gz").warnings


@S3
def test_a_kms_key_is_used_or_the_store_gets_nothing(backing: servers.Server, store: Store, tmp_path: Path) -> None:
    keyed = destination(replace(store.settings, s3_sse_kms_key=servers.KMS_KEY))
    if backing.name in ("minio", "moto"):
        receipt = keyed.put(bundle(tmp_path), "b.tar.gz")
        assert receipt.kms_key
        assert receipt.kms_key.removeprefix("arn:aws:kms:") == servers.KMS_KEY
        assert keyed.put(bundle(tmp_path), "b.tar.gz") == receipt
        if backing.name == "moto":  # which knows no keys and takes any name
            return
        with pytest.raises(ShipError, match="refused the KMS key"):
            destination(replace(store.settings, s3_sse_kms_key="nokey")).put(bundle(tmp_path), "c.tar.gz")
        return
    with pytest.raises(VerificationError, match="KMS"):
        keyed.put(bundle(tmp_path), "b.tar.gz")
    with pytest.raises(ClientError):
        store.raw("b.tar.gz")


@pytest.mark.parametrize("backing", ["minio"], indirect=True)
def test_a_bundle_stored_in_clear_does_not_pass_for_an_encrypted_one(
    backing: servers.Server, store: Store, tmp_path: Path
) -> None:
    store.open().put(bundle(tmp_path), "b.tar.gz")
    with pytest.raises(VerificationError, match=f"KMS key {servers.KMS_KEY} was asked, the store shows none"):
        destination(replace(store.settings, s3_sse_kms_key=servers.KMS_KEY)).put(bundle(tmp_path), "b.tar.gz")


@S3
def test_an_owner_is_enforced_or_the_store_gets_nothing(backing: servers.Server, store: Store, tmp_path: Path) -> None:
    owned = destination(replace(store.settings, s3_expected_owner="123456789012"))
    # versitygw refuses the wrong owner; the others check none, which is found by asking with a made-up one.
    with pytest.raises(ShipError if backing.name == "versitygw" else VerificationError) as caught:
        owned.put(bundle(tmp_path), "b.tar.gz")
    assert caught.value.hint
    with pytest.raises(ClientError):
        store.raw("b.tar.gz")


@S3
def test_of_two_writers_at_once_the_first_wins_where_the_store_can(store: Store, tmp_path: Path) -> None:
    """Six at once with different content: exactly one receipt on a strict store, and it tells the truth."""
    sealed = [bundle(tmp_path, b"%04d" % n, f"{n}.tar.gz") for n in range(6)]

    def put(one: Bundle) -> str | None:
        try:
            return store.open().put(one, "b.tar.gz").sha256
        except (ShipError, VerificationError):
            return None

    with ThreadPoolExecutor(6) as pool:
        receipts = [sha256 for sha256 in pool.map(put, sealed) if sha256]
    kept = hashlib.sha256(store.raw("b.tar.gz")).hexdigest()
    if store.name in STRICT:
        assert receipts == [kept]
    else:
        assert kept in [one.sha256 for one in sealed]
