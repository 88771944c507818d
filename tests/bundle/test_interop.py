"""A bundle in the hands of somebody who has no irkit and does not trust us: only tools that others made.

GNU tar, gzip, sha256sum, the Library of Congress's bagit-python, securesystemslib, openssl, age.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import bagit
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import Key, SSlibKey  # type: ignore[attr-defined]

from irkit.bundle.attest import keys as key_files
from irkit.bundle.attest.keys import Signer
from tests.bundle import bags, vouched
from tests.bundle.vouched import Vouched
from tests.ship import servers


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, people: dict[str, Signer], tsa: Path) -> Vouched:
    return vouched.made(tmp_path_factory.mktemp("whole"), people, tsa)


@pytest.fixture(scope="module")
def folder(whole: Vouched) -> Path:
    """What GNU tar makes of it."""
    subprocess.run(["tar", "xzf", whole.path, "-C", whole.path.parent], check=True)
    return whole.path.parent / bags.NAME


def test_tar_sha256sum_and_bagit(whole: Vouched, folder: Path) -> None:
    subprocess.run(["gzip", "--test", whole.path], check=True)
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(["sha256sum", "--strict", "--quiet", "-c", manifest], cwd=folder, check=True)
    bag = bagit.Bag(str(folder))
    bag.validate()
    assert bag.version_info == (1, 0)
    for name, content in vouched.FILES.items():
        assert (folder / "data" / name).read_bytes() == content


def test_the_custody_chain_by_hand(whole: Vouched, folder: Path) -> None:
    for log in (folder / "custody.jsonl", whole.path.with_name(f"{whole.path.name}.custody.jsonl")):
        previous = "0" * 64
        for line in log.read_bytes().split(b"\n")[:-1]:
            assert json.loads(line)["prev_sha256"] == previous
            previous = hashlib.sha256(line).hexdigest()
        if log.parent == folder:
            assert f"Custody-Head-SHA256: {previous}\n" in (folder / "bag-info.txt").read_text()
        else:
            first = json.loads(log.read_bytes().split(b"\n")[0])
            assert first["sha256"] == hashlib.sha256(whole.path.read_bytes()).hexdigest()


def theirs(pem: bytes) -> Key:
    """A key from a PEM file, under the id that docs/signing.md gives: securesystemslib looks for the key by it."""
    public = load_pem_public_key(pem)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key: Key = SSlibKey.from_crypto(public, keyid=hashlib.sha256(der).hexdigest())
    return key


def pem(whole: Vouched, number: int) -> bytes:
    """The public key in PEM, made of the one we pinned."""
    der = base64.encodebytes(whole.keys[number].der)
    return b"-----BEGIN PUBLIC KEY-----\n" + der + b"-----END PUBLIC KEY-----\n"


def test_securesystemslib_verifies_both_envelopes(whole: Vouched, folder: Path) -> None:
    [beside] = whole.path.parent.glob("*.dsse.json")
    digests = {
        folder / "statement.dsse.json": (f"{bags.NAME}/tagmanifest-sha256.txt", folder / "tagmanifest-sha256.txt"),
        beside: (f"{bags.NAME}.tar.gz", whole.path),
    }
    signers = {folder / "statement.dsse.json": (0, 1), beside: (2,)}
    for path, (name, about) in digests.items():
        envelope = Envelope.from_dict(json.loads(path.read_bytes()))
        assert envelope.payload_type == "application/vnd.in-toto+json"
        found = envelope.verify([theirs(pem(whole, number)) for number in signers[path]], len(signers[path]))
        assert len(found) == len(signers[path])
        statement = json.loads(envelope.payload)
        assert statement["_type"] == "https://in-toto.io/Statement/v1"
        sha256 = hashlib.sha256(about.read_bytes()).hexdigest()
        assert statement["subject"] == [{"name": name, "digest": {"sha256": sha256}}]
        stranger = next(number for number in range(3) if number not in signers[path])
        with pytest.raises(VerificationError):
            envelope.verify([theirs(pem(whole, stranger))], 1)


def test_openssl_alone_checks_a_signature(whole: Vouched, folder: Path, tmp_path: Path) -> None:
    told = json.loads((folder / "statement.dsse.json").read_bytes())
    payload = base64.b64decode(told["payload"])
    (tmp_path / "signed").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload))
    for number, one in enumerate(told["signatures"]):
        (tmp_path / "sig").write_bytes(base64.b64decode(one["sig"]))
        (tmp_path / "pub").write_bytes(pem(whole, number))
        check: list[str | Path] = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "pub", "-rawin"]
        subprocess.run([*check, "-in", tmp_path / "signed", "-sigfile", tmp_path / "sig"], check=True)
    assert key_files.public_key(tmp_path / "pub") == whole.keys[1]


def test_openssl_checks_the_time_stamp(whole: Vouched) -> None:
    token = whole.path.with_name(f"{whole.path.name}.tsr")
    check: list[str | Path] = ["openssl", "ts", "-verify", "-data", whole.path, "-in", token, "-CAfile", whole.roots]
    assert b"Verification: OK" in subprocess.run(check, check=True, capture_output=True).stdout


def test_age_opens_the_sealed_part(whole: Vouched, folder: Path) -> None:
    age = shutil.which("age") or servers.binary("age")
    opened = subprocess.run(
        [age, "-d", "-i", whole.identity, folder / "data/sealed/env.age"], check=True, capture_output=True
    )
    assert opened.stdout == vouched.SECRET


def test_what_age_sealed_we_open(whole: Vouched, tmp_path: Path) -> None:
    from irkit.bundle.recipients import veil

    age = shutil.which("age") or servers.binary("age")
    [recipient] = (one.to_public() for one in veil.identities(whole.identity))
    data = bags.stage(tmp_path / "data", vouched.FILES)
    (data / "sealed").mkdir()
    subprocess.run([age, "-r", str(recipient), "-o", data / "sealed/x.age"], input=vouched.SECRET, check=True)
    bundle = bags.bundle(tmp_path).path
    veil.unveil(bundle, "data/sealed/x.age", whole.identity, tmp_path / "opened")
    assert (tmp_path / "opened").read_bytes() == vouched.SECRET
