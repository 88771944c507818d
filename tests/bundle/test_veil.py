"""Sealed originals: opened by their recipients and by the age tool, by nobody else."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from irkit import digest
from irkit.bundle.recipients.veil import identities, unveil, veil
from irkit.bundle.verify import verify
from irkit.errors import BundleError, UsageError, VerificationError
from tests.bundle import bags
from tests.ship import servers

MEMBER = "data/sealed/logs/app.log.age"


@pytest.fixture(scope="module")
def ann() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


def identity(folder: Path, key: object) -> Path:
    path = folder / "key.txt"
    path.write_text(f"# created: today\n# public key: age1...\n{key}\n")
    return path


def sealed(folder: Path, plain: bytes, *keys: str) -> Path:
    source, data = folder / "plain", folder / "data"
    source.write_bytes(plain)
    made = veil(source, data / "sealed/logs/app.log.age", keys)
    assert made == digest.of_file(data / "sealed/logs/app.log.age")
    return bags.bundle(folder).path


def test_a_recipient_opens_it_and_the_bundle_verifies_without_a_key(
    tmp_path: Path, ann: pyrage.x25519.Identity
) -> None:
    plain = os.urandom(5 << 20)
    other = pyrage.x25519.Identity.generate()
    path = sealed(tmp_path, plain, str(other.to_public()), str(ann.to_public()))
    assert verify(path).ok
    for key in (ann, other):
        target = tmp_path / f"out-{id(key)}"
        assert unveil(path, MEMBER, identity(tmp_path, key), target) == digest.of_file(tmp_path / "plain")
        assert target.read_bytes() == plain
        assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_age_opens_it(tmp_path: Path, ann: pyrage.x25519.Identity) -> None:
    age = shutil.which("age") or servers.binary("age")
    plain = os.urandom(200_000)
    sealed(tmp_path, plain, str(ann.to_public()))
    command: list[str | Path] = [age, "-d", "-i", identity(tmp_path, ann), tmp_path / "data/sealed/logs/app.log.age"]
    assert subprocess.run(command, check=True, capture_output=True).stdout == plain


def test_ssh_keys_work_as_recipients(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    path = sealed(tmp_path, b"secret", (tmp_path / "id.pub").read_text())
    unveil(path, MEMBER, tmp_path / "id", tmp_path / "opened")
    assert (tmp_path / "opened").read_bytes() == b"secret"


def test_nobody_else_opens_it(tmp_path: Path, ann: pyrage.x25519.Identity) -> None:
    path = sealed(tmp_path, b"secret", str(ann.to_public()))
    eve = identity(tmp_path, pyrage.x25519.Identity.generate())
    with pytest.raises(VerificationError, match="does not open"):
        unveil(path, MEMBER, eve, tmp_path / "opened")
    with pytest.raises(VerificationError, match="does not open"):
        unveil(path, "data/pod/pod.json", eve, tmp_path / "opened")
    with pytest.raises(BundleError, match="no data/absent"):
        unveil(path, "data/absent", eve, tmp_path / "opened")
    assert not list(tmp_path.glob("opened*"))


def test_damaged_ciphertext_leaves_no_plain_text(tmp_path: Path, ann: pyrage.x25519.Identity) -> None:
    source, target = tmp_path / "plain", tmp_path / "data/sealed/logs/app.log.age"
    source.write_bytes(os.urandom(1 << 20))
    veil(source, target, [str(ann.to_public())])
    whole = bytearray(target.read_bytes())
    whole[len(whole) // 2] ^= 1
    target.write_bytes(whole)
    path = bags.bundle(tmp_path).path
    with pytest.raises(VerificationError):
        unveil(path, MEMBER, identity(tmp_path, ann), tmp_path / "plain.out")
    assert not list(tmp_path.glob("plain.out*"))


def test_nothing_is_overwritten(tmp_path: Path, ann: pyrage.x25519.Identity) -> None:
    path = sealed(tmp_path, b"secret", str(ann.to_public()))
    (tmp_path / "taken").write_bytes(b"mine")
    with pytest.raises(BundleError, match="File exists"):
        unveil(path, MEMBER, identity(tmp_path, ann), tmp_path / "taken")
    assert (tmp_path / "taken").read_bytes() == b"mine"
    with pytest.raises(BundleError, match="File exists"):
        veil(tmp_path / "plain", tmp_path / "taken", [str(ann.to_public())])
    with pytest.raises(BundleError, match="No such file"):
        veil(tmp_path / "absent", tmp_path / "new", [str(ann.to_public())])
    assert not (tmp_path / "new").exists()


def test_a_list_of_recipients_from_any_editor(tmp_path: Path, ann: pyrage.x25519.Identity) -> None:
    team = tmp_path / "team.txt"
    team.write_bytes(f"\ufeff# the team\r\n\r\n  {ann.to_public()}\r\n".encode())
    path = sealed(tmp_path, b"secret", str(team))
    assert unveil(path, MEMBER, identity(tmp_path, ann), tmp_path / "opened").size == 6


@pytest.mark.parametrize(
    "texts", [[], ["age1nobody"], ["ssh-ed25519 AAAA"], ["AGE-SECRET-KEY-1XXXX"], ["# the whole list\n" * 300]]
)
def test_what_is_no_recipient_is_refused(tmp_path: Path, texts: list[str]) -> None:
    (tmp_path / "plain").write_bytes(b"x")
    with pytest.raises(UsageError) as caught:
        veil(tmp_path / "plain", tmp_path / "target", texts)
    assert caught.value.hint


def test_a_secret_key_among_the_recipients_is_called_one(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "id"], check=True)
    with pytest.raises(UsageError, match="not a recipient: a secret key") as caught:
        veil(tmp_path / "id.pub", tmp_path / "target", [str(tmp_path / "id")])
    assert "public half" in caught.value.hint


@pytest.mark.parametrize(
    "kind", [["-t", "ed25519"], ["-t", "rsa", "-b", "2048", "-m", "PEM"], ["-t", "rsa", "-b", "2048", "-m", "PKCS8"]]
)
def test_an_identity_with_a_passphrase_is_told_as_such(tmp_path: Path, kind: list[str]) -> None:
    subprocess.run(["ssh-keygen", "-q", *kind, "-N", "secret", "-f", tmp_path / "id"], check=True)
    with pytest.raises(UsageError, match="encrypted with a passphrase") as caught:
        identities(tmp_path / "id")
    assert "ssh-keygen -p" in caught.value.hint


def test_identities_that_age_encrypted_and_keys_that_open_nothing_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "age").write_bytes(pyrage.passphrase.encrypt(b"AGE-SECRET-KEY-1", "secret"))
    with pytest.raises(UsageError, match="encrypted with a passphrase"):
        identities(tmp_path / "age")
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "id"], check=True)
    with pytest.raises(UsageError, match="of a kind that opens nothing"):
        identities(tmp_path / "id")


@pytest.mark.parametrize(
    "text", [b"hello", b"AGE-SECRET-KEY-1XXXX", b"\xff\xfe", b"-----BEGIN OPENSSH PRIVATE KEY-----\nx"]
)
def test_what_is_no_identity_is_refused(tmp_path: Path, ann: pyrage.x25519.Identity, text: bytes) -> None:
    path = sealed(tmp_path, b"secret", str(ann.to_public()))
    (tmp_path / "bad").write_bytes(text)
    for name in ("bad", "absent"):
        with pytest.raises(UsageError, match="identity|cannot read"):
            unveil(path, MEMBER, tmp_path / name, tmp_path / "out.txt")
