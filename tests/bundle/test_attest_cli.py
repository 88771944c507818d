"""Who vouches for a bundle, from the command line."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import resource
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from irkit import chain, digest
from irkit.bundle import verify
from irkit.bundle.attest import afterwards, countersign
from irkit.bundle.attest.keys import Signer
from irkit.bundle.reader import describe, root
from irkit.errors import BundleError, VerificationError
from irkit.model.bundle import Bundle
from tests.bundle import authority, bags
from tests.bundle.conftest import Irkit
from tests.waiting import until

HORSE = "correct-horse"


@pytest.fixture
def sealed(irkit: Irkit, tmp_path: Path) -> Path:
    """A bundle in the current folder, signed by the key in the file `ann`."""
    irkit("bundle", "keygen", "ann")
    bags.stage(tmp_path / "taken", {"a.txt": b"hello\n", "logs/b.log": b"GET /\n"})
    told = irkit("bundle", "seal", "taken", "--case", "7", "--sign-key", "ann", "-o", "json")
    return Path(json.loads(told.stdout)["bundle"]["path"])


def verdict(irkit: Irkit, bundle: Path, *flags: str | Path, code: int = 0) -> dict[str, object]:
    told: dict[str, object] = json.loads(irkit("bundle", "verify", bundle, *flags, "-o", "json", code=code).stdout)
    assert list(told) == ["custody", "files", "ok", "problems", "signature", "timestamp"]
    assert told["ok"] is (code == 0)
    return told


def test_a_folder_is_sealed_signed_and_verified_with_pinned_keys(irkit: Irkit, sealed: Path) -> None:
    assert "not known without --key" in str(verdict(irkit, sealed)["signature"])
    assert str(verdict(irkit, sealed, "--key", "ann.pub")["signature"]).startswith("valid, signed by ann (")
    irkit("bundle", "keygen", "bob")
    told = verdict(irkit, sealed, "--key", "ann.pub", "--key", "bob.pub", code=5)
    assert "not signed by bob" in str(told["problems"])
    before = sealed.read_bytes()
    irkit("bundle", "sign", sealed, "--sign-key", "bob")
    irkit("bundle", "sign", sealed, IRKIT_SIGN_KEY="bob")
    assert sealed.read_bytes() == before
    told = verdict(irkit, sealed, "--key", "ann.pub", "--key", "bob.pub")
    assert "ann (" in str(told["signature"])
    assert "bob (" in str(told["signature"])
    assert "BAD" not in irkit("bundle", "verify", sealed, IRKIT_VERIFY_KEY="bob.pub").stdout


def test_a_forger_who_brings_a_key_along_is_found(irkit: Irkit, sealed: Path, tmp_path: Path) -> None:
    bags.stage(tmp_path / "taken", {"a.txt": b"all quiet\n"})
    irkit("bundle", "keygen", "eve")
    sealed.unlink()
    told = irkit("bundle", "seal", "taken", "--case", "7", "--sign-key", "eve", "-o", "json")
    forged = Path(json.loads(told.stdout)["bundle"]["path"])
    assert verdict(irkit, forged)["ok"] is True
    verdict(irkit, forged, "--key", "ann.pub", code=5)


def test_a_damaged_bundle_is_not_signed(irkit: Irkit, sealed: Path) -> None:
    sealed.write_bytes(sealed.read_bytes()[:-1])
    assert "not signed, because" in irkit("bundle", "sign", sealed, "--sign-key", "ann", code=5).stderr


@pytest.mark.parametrize("change", ["flip", "cut", "swap", "junk"])
def test_a_damaged_signature_beside_it_is_reported(irkit: Irkit, sealed: Path, change: str) -> None:
    irkit("bundle", "keygen", "bob")
    told = irkit("bundle", "sign", sealed, "--sign-key", "bob", "-o", "json")
    path = Path(json.loads(told.stdout)["signature"])
    text = path.read_bytes()
    at = text.index(b'"sig"') + 12
    texts = {
        "flip": text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :],
        "cut": text[:-1],
        "swap": text.replace(b"application", b"a", 1),
        "junk": b"\xff",
    }
    path.write_bytes(texts[change])
    told_now = verdict(irkit, sealed, code=5)
    assert told_now["signature"] == "broken"
    assert path.name in str(told_now["problems"])


def test_no_file_beside_it_is_overwritten(sealed: Path, people: dict[str, Signer]) -> None:
    bundle, ann = describe(sealed), people["ann"]
    path = countersign.sign(bundle, root(sealed), ann)
    assert countersign.sign(bundle, root(sealed), ann) == path
    path.write_bytes(b"mine")
    with pytest.raises(BundleError, match="exists with other content and is kept"):
        countersign.sign(bundle, root(sealed), ann)
    assert path.read_bytes() == b"mine"
    assert not list(sealed.parent.glob("*.signing*"))
    with pytest.raises(BundleError, match="cannot write"):
        countersign.sign(replace(bundle, path=sealed.parent / "ann" / "x.tar.gz"), "x", ann)


def test_keys_with_a_passphrase(irkit: Irkit, sealed: Path) -> None:
    assert "empty" not in irkit("bundle", "keygen", "zoe", "--passphrase", IRKIT_SIGN_PASSPHRASE=HORSE).output
    assert b"ENCRYPTED" in Path("zoe").read_bytes()
    irkit("bundle", "sign", sealed, "--sign-key", "zoe", code=2)
    ended = irkit("bundle", "sign", sealed, "--sign-key", "zoe", code=2, IRKIT_SIGN_PASSPHRASE=HORSE + "-not")
    assert HORSE not in ended.output
    irkit("bundle", "sign", sealed, "--sign-key", "zoe", IRKIT_SIGN_PASSPHRASE=HORSE)
    irkit("bundle", "keygen", "zoe", code=2)


def test_stamped_and_verified_offline(irkit: Irkit, sealed: Path, tsa: Path) -> None:
    with authority.serving(tsa) as url:
        irkit("bundle", "stamp", sealed, "--tsa", url)
    told = verdict(irkit, sealed, "--tsa-ca", tsa / "root.pem")
    assert datetime.fromisoformat(str(told["timestamp"])) <= datetime.now(UTC).replace(microsecond=0)
    assert "not known" in str(verdict(irkit, sealed)["timestamp"])
    Path(f"{sealed}.tsr").unlink()
    verdict(irkit, sealed, "--tsa-ca", tsa / "root.pem", code=5)


def test_an_authority_that_does_not_answer_is_a_gap(irkit: Irkit, tmp_path: Path) -> None:
    bags.stage(tmp_path / "taken", {"a.txt": b"hello\n"})
    told = irkit("bundle", "seal", "taken", "-o", "json", code=4, IRKIT_TSA_URL="http://127.0.0.1:9/")
    answer = json.loads(told.stdout)
    [gap] = answer["gaps"]
    assert gap["remedy"] == f"irkit bundle stamp {answer['bundle']['path']} --tsa http://127.0.0.1:9/"
    verdict(irkit, Path(answer["bundle"]["path"]))
    assert "GAP" in irkit("bundle", "seal", "taken", "--case", "x", "--tsa", "http://127.0.0.1:9/", code=4).stdout


@pytest.mark.parametrize(
    "flags",
    [
        ("--tsa", "ftp://x"),
        ("--tsa", "https://ann:secret@x/"),
        ("--sign-key", "absent"),
        ("--recipient", "nobody"),
        ("--recipient", "empty.txt"),
        ("--recipient", "AGE-SECRET-KEY-1XXX"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_sealed(
    irkit: Irkit, tmp_path: Path, flags: tuple[str, str]
) -> None:
    bags.stage(tmp_path / "taken", {"a.txt": b"hello\n"})
    (tmp_path / "empty.txt").write_text("# nobody\n")
    ended = irkit("bundle", "seal", "taken", *flags, code=2)
    assert "try:" in ended.stderr
    assert "secret@" not in ended.output
    assert "KEY-1XXX" not in ended.output
    assert not list(tmp_path.glob("*.tar.gz*"))


@pytest.fixture
def veiled(irkit: Irkit, tmp_path: Path) -> Path:
    """A bundle only for the identity in `key.txt`."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"{identity}\n")
    (tmp_path / "team.txt").write_text(f"# the team\n{identity.to_public()}\n")
    bags.stage(tmp_path / "taken", {"a.txt": b"password=hunter2\n", "logs/b.log": b"GET /\n"})
    told = irkit("bundle", "seal", "taken", "--case", "7", "-o", "json", IRKIT_RECIPIENTS="team.txt")
    return Path(json.loads(told.stdout)["bundle"]["path"])


def test_only_recipients_open_it_and_that_is_on_record(irkit: Irkit, veiled: Path, tmp_path: Path) -> None:
    names = irkit("bundle", "ls", veiled).stdout.split()
    assert names[:3] == ["data/collection.json", "data/sealed/a.txt.age", "data/sealed/logs/b.log.age"]
    assert not list(tmp_path.glob("*.veiled"))
    why = ("--reason", "ticket 12", "--authority", "CASE-12, J. Doe")
    ended = irkit("bundle", "unseal", veiled, "-i", "key.txt", *why, "--out", "opened", "-o", "json")
    told = json.loads(ended.stdout)
    assert {one["path"]: one["size"] for one in told["opened"]} == {"opened/a.txt": 17, "opened/logs/b.log": 6}
    assert (tmp_path / "opened/a.txt").read_bytes() == b"password=hunter2\n"
    log = afterwards.beside(veiled).read_bytes().splitlines()
    records = list(chain.verify(log))
    assert [record["event"] for record in records] == ["custody.continued", "unseal.intended", "unsealed", "unsealed"]
    assert (records[1]["reason"], records[1]["authority"]) == ("ticket 12", "CASE-12, J. Doe")
    assert records[1]["operator"]["host"]
    assert b"hunter2" not in b"".join(log)
    assert told["custody_head_sha256"] in str(verdict(irkit, veiled)["custody"])


def test_one_member_of_the_sealed_part(irkit: Irkit, veiled: Path, tmp_path: Path) -> None:
    flags = ("-i", "key.txt", "--reason", "x", "--out")
    irkit("bundle", "unseal", veiled, "data/sealed/logs/b.log.age", *flags, "one")
    assert [path.name for path in (tmp_path / "one").rglob("*") if path.is_file()] == ["b.log"]
    assert "no data/none" in irkit("bundle", "unseal", veiled, "data/none", *flags, "two", code=1).stderr
    assert "exists" in irkit("bundle", "unseal", veiled, *flags, "one", code=2).stderr


def test_a_failed_opening_is_on_record_too(irkit: Irkit, veiled: Path, tmp_path: Path) -> None:
    (tmp_path / "eve.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    irkit("bundle", "unseal", veiled, "-i", "eve.txt", "--reason", "curious", "--out", "opened", code=5)
    irkit("bundle", "unseal", veiled, "-i", "key.txt", "--reason", " ", "--out", "opened2", code=2)
    irkit("bundle", "unseal", veiled, "-i", "key.txt", "--reason", "x", "--authority", "a\nb", "--out", "o", code=2)
    events = [record["event"] for record in chain.verify(afterwards.beside(veiled).read_bytes().splitlines())]
    assert events == ["custody.continued", "unseal.intended", "unseal.failed"]
    assert list((tmp_path / "opened").iterdir()) == []


def test_without_custody_nothing_is_opened(irkit: Irkit, veiled: Path, tmp_path: Path) -> None:
    afterwards.beside(veiled).mkdir()
    ended = irkit("bundle", "unseal", veiled, "-i", "key.txt", "--reason", "x", "--out", "opened", code=1)
    assert "custody is kept beside the bundle" in ended.stderr
    assert not (tmp_path / "opened").exists()


def test_an_unsealed_bundle_has_nothing_to_open(irkit: Irkit, sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    ended = irkit("bundle", "unseal", sealed, "-i", "key.txt", "--reason", "x", "--out", "opened", code=1)
    assert "nothing is sealed" in ended.stderr


def test_transfers_are_a_chain_that_verify_checks(irkit: Irkit, sealed: Path) -> None:
    for who in ("ann", "bob"):
        irkit("bundle", "transfer", sealed, "--to", who, "--reason", "shift ends")
    assert "afterwards 3 entries" in str(verdict(irkit, sealed)["custody"])
    log = afterwards.beside(sealed)
    lines = log.read_bytes().splitlines(keepends=True)
    for changed in (
        [lines[0], lines[2]],
        [lines[0], lines[2], lines[1]],
        lines[1:],
        [lines[0], lines[1].replace(b"ann", b"eve"), lines[2]],
        [*lines, b"{"],
        [],
    ):
        log.write_bytes(b"".join(changed))
        assert log.name in str(verdict(irkit, sealed, code=5)["problems"])


def test_a_full_disk_breaks_no_custody(irkit: Irkit, sealed: Path) -> None:
    handed = ("bundle", "transfer", sealed, "--to", "J. Doe", "--reason", "x")
    log = afterwards.beside(sealed)
    for entries in ("", "afterwards 2 entries"):
        for more in (0, 100):  # bytes that the disk still takes
            with full(more + (log.stat().st_size if log.exists() else 0)):
                assert "cannot write" in irkit(*handed, code=1).stderr
            assert str(verdict(irkit, sealed)["custody"]).count("afterwards") == bool(entries)
            assert entries in str(verdict(irkit, sealed)["custody"])
        irkit(*handed)
    assert "afterwards 3 entries" in str(verdict(irkit, sealed)["custody"])


def test_who_waited_for_a_log_that_was_taken_away_writes_into_a_new_one(sealed: Path) -> None:
    log = afterwards.beside(sealed)

    def written() -> None:
        with afterwards.opened(sealed) as chained:
            chained.append({"event": "transferred"})

    with log.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = threading.Thread(target=written)
        waiting.start()
        until(lambda: f":{os.fstat(file.fileno()).st_ino} " in waiters())
        log.unlink()
    waiting.join()
    assert len(log.read_bytes().splitlines()) == 2


def waiters() -> str:
    """Who waits for a lock, by the inode of the file."""
    return "".join(line for line in Path("/proc/locks").read_text().splitlines(keepends=True) if "->" in line)


@contextmanager
def full(room: int) -> Iterator[None]:
    """No file gets longer than `room` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_transfer_names_the_authority_and_the_tool(irkit: Irkit, sealed: Path) -> None:
    who = "CASE-12, J. Doe"
    irkit("bundle", "transfer", sealed, "--to", "ann", "--reason", "x", "--authority", f" {who} ")
    irkit("bundle", "transfer", sealed, "--to", "ann", "--reason", "x", "--authority", "a\nb", code=2)
    *_, told = chain.verify(afterwards.beside(sealed).read_bytes().splitlines())
    assert told["authority"] == who
    assert told["tool_sha256"] == digest.of_tool()


def test_custody_of_another_bundle_is_not_continued(irkit: Irkit, sealed: Path) -> None:
    irkit("bundle", "transfer", sealed, "--to", "ann", "--reason", "x")
    other = sealed.with_name("other.tar.gz")
    shutil.copy(afterwards.beside(sealed), afterwards.beside(other))
    other.write_bytes(sealed.read_bytes() + b"\0")
    assert "another bundle" in irkit("bundle", "transfer", other, "--to", "a", "--reason", "x", code=5).stderr


@pytest.mark.parametrize("content", [b"", b"notes\n", gzip.compress(b"notes\n", mtime=0)])
def test_custody_is_kept_of_bundles_alone(irkit: Irkit, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes.tar.gz").write_bytes(content)
    told = irkit("bundle", "transfer", tmp_path / "notes.tar.gz", "--to", "ann", "--reason", "x", code=2).stderr
    assert "not a bundle" in told
    assert "irkit bundle seal" in told
    assert [file.name for file in tmp_path.glob("notes*")] == ["notes.tar.gz"]


def test_custody_of_a_damaged_bundle_goes_on(irkit: Irkit, sealed: Path) -> None:
    sealed.write_bytes(sealed.read_bytes()[:-40])
    assert "transferred to ann" in irkit("bundle", "transfer", sealed, "--to", "ann", "--reason", "x").stdout


def test_what_changed_between_two(irkit: Irkit, sealed: Path, tmp_path: Path) -> None:
    bags.stage(tmp_path / "taken", {"a.txt": b"bye\n", "c.json": b"{}"})
    told = irkit("bundle", "seal", "taken", "--case", "8", "-o", "json")
    later = json.loads(told.stdout)["bundle"]["path"]
    found = json.loads(irkit("bundle", "diff", sealed, later, "-o", "json").stdout)
    assert [(one["path"], one["kind"]) for one in found] == [("data/a.txt", "changed"), ("data/c.json", "added")]
    assert "added    data/c.json (- -> 2 bytes)" in irkit("bundle", "diff", sealed, later).stdout
    assert "no difference" in irkit("bundle", "diff", sealed, sealed).stdout


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("cryptography", ("keygen", "new")),
        ("cryptography", ("sign", "BUNDLE", "--sign-key", "ann")),
        ("cryptography", ("verify", "BUNDLE", "--key", "ann.pub")),
        ("cryptography", ("seal", "taken", "--case", "z", "--sign-key", "ann")),
        ("rfc3161_client", ("stamp", "BUNDLE", "--tsa", "http://127.0.0.1:9/")),
        ("rfc3161_client", ("seal", "taken", "--case", "z", "--tsa", "http://127.0.0.1:9/")),
        ("rfc3161_client", ("verify", "BUNDLE", "--tsa-ca", "ann.pub")),
        ("pyrage", ("seal", "taken", "--case", "z", "--recipient", "age1x")),
        ("pyrage", ("unseal", "BUNDLE", "-i", "ann", "--reason", "x", "--out", "y")),
    ],
)
def test_without_the_extra_the_remedy_is_named(
    irkit: Irkit, sealed: Path, monkeypatch: pytest.MonkeyPatch, package: str, arguments: tuple[str, ...]
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    ended = irkit("bundle", *(str(sealed) if one == "BUNDLE" else one for one in arguments), code=2)
    assert package in ended.stderr
    assert "pip install 'irkit[attest]'" in ended.stderr
    assert len(list(Path().glob("*.tar.gz"))) == 1


def test_without_the_extra_a_signed_bundle_still_verifies_and_says_what_was_not_checked(
    irkit: Irkit, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(f"{sealed}.tsr").write_bytes(b"?")
    for package in ("cryptography", "rfc3161_client"):
        monkeypatch.setitem(sys.modules, package, None)
    told = verdict(irkit, sealed)
    assert told["signature"] == "signed, but the signatures were not checked: pip install 'irkit[attest]'"
    assert told["timestamp"] == "there is one, but it was not checked: pip install 'irkit[attest]'"


def test_only_the_bytes_that_were_verified_are_signed(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, folder = verify.intact(sealed)
    assert (told.path, told.sha256, folder) == (sealed, digest.of_file(sealed).sha256, root(sealed))

    def written(path: Path) -> Bundle:
        path.write_bytes(path.read_bytes())
        return describe(path)

    monkeypatch.setattr(verify, "describe", written)
    with pytest.raises(VerificationError, match="changed while it was read"):
        verify.intact(sealed)
