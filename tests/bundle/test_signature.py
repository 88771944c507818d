"""Signatures: by whom, over what, and what the world's other tools say to them."""

from __future__ import annotations

import base64
import json
import resource
import stat
import subprocess
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.signer import Key, SSlibKey  # type: ignore[attr-defined]

from irkit import digest
from irkit.bundle import layout
from irkit.bundle.attest import envelope, keys, statement
from irkit.bundle.attest.keys import PublicKey, Signer
from irkit.bundle.reader import cat
from irkit.bundle.seal import seal
from irkit.bundle.verify import verify
from irkit.errors import UsageError, VerificationError
from tests.bundle import bags
from tests.bundle.bags import Tar

SMALL = {"pod/pod.json": b'{"kind":"Pod"}\n', "logs/app.log": b"GET /\n" * 40}


@pytest.fixture(scope="module")
def signed(people: dict[str, Signer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    data, signers = bags.stage(folder / "data", SMALL), [people["ann"], people["bob"]]
    sealed = seal(bags.NAME, data, folder, info=bags.INFO, custody=bags.CUSTODY, at=bags.AT, signers=signers)
    again = seal(bags.NAME, data, folder, info=bags.INFO, custody=bags.CUSTODY, at=bags.AT, signers=signers)
    assert again == sealed
    return sealed.path


def text_of(path: Path, member: str) -> bytes:
    return b"".join(cat(path, member))


def test_keys_given_from_outside_say_who_signed(signed: Path, people: dict[str, Signer]) -> None:
    ann, bob, eve = (people[name].public for name in ("ann", "bob", "eve"))
    found = verify(signed, keys=[ann, bob])
    assert found.ok
    assert found.signature == f"valid, signed by ann ({ann.id[:16]}), bob ({bob.id[:16]})"
    assert verify(signed, keys=[bob]).ok
    found = verify(signed, keys=[ann, eve])
    assert not found.ok
    assert [problem.problem for problem in found.problems] == [f"not signed by eve ({eve.id[:16]})"]


def test_without_keys_nobody_is_believed(signed: Path) -> None:
    found = verify(signed)
    assert found.ok
    assert found.signature.endswith("whose keys these are is not known without --key")


def test_an_unsigned_bundle_does_not_pass_for_a_signed_one(tmp_path: Path, people: dict[str, Signer]) -> None:
    found = verify(bags.bundle(tmp_path).path, keys=[people["ann"].public])
    assert not found.ok
    assert found.signature == "unsigned"
    assert found.problems[0].problem == "not signed, though a key was given"


def test_a_statement_taken_away_is_missed(signed: Path) -> None:
    found = verify(bags.changed(signed, lambda members: members[:-1]))
    assert [problem.problem for problem in found.problems] == ["missing, though bag-info.txt names signers"]


def _with_statement(members: Tar, text: bytes) -> None:
    info, _ = members[-1]
    members[-1] = (info, text)


def test_somebody_elses_signature_over_the_same_bundle_is_not_what_was_promised(
    signed: Path, people: dict[str, Signer]
) -> None:
    sha256 = digest.of_bytes(text_of(signed, layout.TAGMANIFEST))
    text = statement.sign(statement.tagmanifest(bags.NAME, sha256), [people["eve"]])
    found = verify(bags.changed(signed, partial(_with_statement, text=text)))
    assert [problem.problem for problem in found.problems] == ["not signed by whom bag-info.txt names"]


def test_a_statement_of_another_bundle_does_not_fit(signed: Path, people: dict[str, Signer]) -> None:
    text = statement.sign(statement.tagmanifest(bags.NAME, "0" * 64), [people["ann"], people["bob"]])
    found = verify(bags.changed(signed, partial(_with_statement, text=text)), keys=[people["ann"].public])
    assert [problem.problem for problem in found.problems] == ["signed for something else than this bundle"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "not a DSSE envelope"),
        (b"[" * 100_000, "not a DSSE envelope"),
        (b'{"payloadType":"text/plain"}', "an envelope of another type: 'text/plain'"),
        (
            json.dumps({"payloadType": envelope.TYPE, "payload": "e30=", "signatures": []}).encode(),
            "not a statement of irkit",
        ),
        (json.dumps({"payloadType": envelope.TYPE, "payload": 5, "signatures": []}).encode(), "not a DSSE envelope"),
    ],
)
def test_statements_that_are_none(signed: Path, text: bytes, problem: str) -> None:
    found = verify(bags.changed(signed, partial(_with_statement, text=text)))
    assert found.signature == "broken"
    assert [one.problem for one in found.problems] == [problem]


@settings(max_examples=150)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 255), st.sampled_from(["flip", "drop", "add"]))
def test_any_change_to_the_statement_is_reported(
    signed: Path, people: dict[str, Signer], where: float, what: int, kind: str
) -> None:
    whole = text_of(signed, layout.STATEMENT)
    at = int(where * len(whole))
    middle = {"flip": bytes([whole[at] ^ what]), "drop": b"", "add": whole[at : at + 1] + bytes([what])}[kind]
    text = whole[:at] + middle + whole[at + 1 :]
    changed = bags.changed(signed, partial(_with_statement, text=text))
    assert verify(changed).ok == (text == whole)
    assert verify(changed, keys=[people["ann"].public]).ok == (text == whole)


def test_a_forger_without_the_key_is_found_by_whoever_has_the_public_one(
    signed: Path, people: dict[str, Signer], tmp_path: Path
) -> None:
    data = bags.stage(tmp_path / "data", SMALL | {"logs/app.log": b"all quiet\n"})
    forged = seal(bags.NAME, data, tmp_path, info=bags.INFO, custody=bags.CUSTODY, at=bags.AT, signers=[people["eve"]])
    assert verify(forged.path).ok
    assert not verify(forged.path, keys=[people["ann"].public]).ok


def test_securesystemslib_verifies_the_envelope(signed: Path, people: dict[str, Signer]) -> None:
    told = json.loads(text_of(signed, layout.STATEMENT))
    other = OtherEnvelope.from_dict(told)
    theirs = [_theirs(people[name].public) for name in ("ann", "bob")]
    assert set(other.verify(theirs, 2)) == {people["ann"].public.id, people["bob"].public.id}
    body = json.loads(other.payload)
    assert body["_type"] == "https://in-toto.io/Statement/v1"
    sha256 = digest.of_bytes(text_of(signed, layout.TAGMANIFEST))
    assert body["subject"] == [{"name": f"{bags.NAME}/{layout.TAGMANIFEST}", "digest": {"sha256": sha256}}]


def _theirs(key: PublicKey) -> Key:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    theirs: Key = SSlibKey.from_crypto(load_der_public_key(key.der), keyid=key.id)
    return theirs


def test_openssl_reads_our_keys_and_checks_our_signatures(
    signed: Path, people: dict[str, Signer], tmp_path: Path
) -> None:
    public = keys.generate(tmp_path / "zoe")
    message = tmp_path / "message"
    message.write_bytes(b"evidence")
    run = partial(subprocess.run, check=True, capture_output=True)
    run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", tmp_path / "zoe", "-in", message, "-out", tmp_path / "sig"])
    assert public.made((tmp_path / "sig").read_bytes(), b"evidence")
    assert keys.signer(tmp_path / "zoe").sign(b"evidence") == (tmp_path / "sig").read_bytes()


def test_keys_are_private_never_overwritten_and_may_be_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "ann"
    public = keys.generate(path, "correct horse")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.public_key(tmp_path / "ann.pub") == public
    assert b"ENCRYPTED" in path.read_bytes()
    assert keys.signer(path, "correct horse").public == public
    for wrong, words in ((None, "ann is encrypted"), ("battery staple", "does not open with this passphrase")):
        with pytest.raises(UsageError, match=words) as caught:
            keys.signer(path, wrong)
        assert "battery" not in str(caught.value)
        assert "IRKIT_SIGN_PASSPHRASE" in caught.value.hint
    with pytest.raises(UsageError, match="File exists"):
        keys.generate(path)
    assert "correct" not in repr(keys.signer(path, "correct horse"))


def test_a_key_pair_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "ann.pub").write_text("somebody's\n")
    with pytest.raises(UsageError, match=r"ann\.pub: File exists"):
        keys.generate(tmp_path / "ann")
    assert [one.name for one in tmp_path.iterdir()] == ["ann.pub"]
    assert (tmp_path / "ann.pub").read_text() == "somebody's\n"


def test_a_full_disk_leaves_no_part_of_a_key(tmp_path: Path) -> None:
    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, whole[1]))
    try:
        with pytest.raises(UsageError, match="cannot write"):
            keys.generate(tmp_path / "ann")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    rsa = generate_private_key(65537, 2048)
    (tmp_path / "rsa").write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "rsa.pub").write_bytes(public)
    (tmp_path / "text").write_bytes(b"hello")
    for load, name, words in (
        (keys.signer, "rsa", "not an Ed25519 key"),
        (keys.public_key, "rsa.pub", "not an Ed25519 key"),
        (keys.signer, "text", "not a private key in PEM"),
        (keys.public_key, "text", "not a public key"),
        (keys.public_key, "absent", "cannot read"),
    ):
        with pytest.raises(UsageError, match=words):
            load(tmp_path / name)
    der = rsa.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert not PublicKey(der).made(b"", b"")
    assert not PublicKey(b"junk").made(b"", b"")


def test_envelopes_in_the_other_alphabet_are_read(people: dict[str, Signer]) -> None:
    text = json.loads(envelope.seal(b"\xff\xfe\xfd" * 20, [people["ann"]]))
    for one in text["signatures"]:
        one["sig"] = base64.urlsafe_b64encode(base64.b64decode(one["sig"])).decode()
        del one["keyid"]
    text["payload"] = base64.urlsafe_b64encode(base64.b64decode(text["payload"])).decode()
    assert envelope.decode(json.dumps(text).encode()).signed_by(people["ann"].public)
    with pytest.raises(VerificationError):
        envelope.decode(b'{"payloadType": "x"}')
