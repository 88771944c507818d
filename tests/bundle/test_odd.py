"""What a hurried hand gives a command: one clear line, a remedy, the right exit code."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from irkit.bundle.reader import names
from irkit.bundle.recipients.audiences import learned, scrubbed
from irkit.bundle.verify import verify
from irkit.errors import BundleError, VerificationError
from irkit.model.evidence import Gap, GapReason
from irkit.model.run import Operator, RunRecord, Status
from tests.bundle import bags
from tests.bundle.conftest import Irkit


def packed_again(path: Path) -> bytes:
    return subprocess.run(["gzip", "-9"], input=bags.plain(path), capture_output=True, check=True).stdout


@pytest.mark.parametrize("what", ["empty", "text", "tar", "packed again", "cut short"])
def test_what_is_no_bundle_is_one_problem(irkit: Irkit, tmp_path: Path, what: str) -> None:
    whole = bags.bundle(tmp_path).path
    odd = tmp_path / "odd.tar.gz"
    odd.write_bytes(
        {
            "empty": b"",
            "text": b"hello",
            "tar": bags.plain(whole),
            "packed again": packed_again(whole),
            "cut short": whole.read_bytes()[:300],
        }[what]
    )
    [problem] = verify(odd).problems
    assert problem.path == odd.name
    ended = irkit("bundle", "verify", odd, code=5)
    assert ended.stdout.count("BAD") == 1
    with pytest.raises(VerificationError, match="is damaged"):
        list(names(odd))


def test_a_folder_or_nothing_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        for look in (verify, lambda path: list(names(path))):
            with pytest.raises(BundleError, match="cannot read") as caught:
                look(path)
            assert caught.value.hint


def test_nobody_is_asked_where_nobody_is(irkit: Irkit, tmp_path: Path) -> None:
    ended = irkit("bundle", "keygen", "ann", "--passphrase", code=2)
    assert "IRKIT_SIGN_PASSPHRASE" in ended.stderr
    assert not (tmp_path / "ann").exists()


def test_a_passphrase_for_one_key_does_not_hinder_another(irkit: Irkit, tmp_path: Path) -> None:
    sealed = bags.bundle(tmp_path).path
    irkit("bundle", "keygen", "plain")
    irkit("bundle", "sign", sealed, "--sign-key", "plain", **{"IRKIT_SIGN_PASSPHRASE": "of another key"})
    assert "signed by plain" in irkit("bundle", "verify", sealed, "--key", "plain.pub").stdout


@pytest.mark.parametrize("flags", [("--to", "", "--reason", "x"), ("--to", "bob", "--reason", "  ")])
def test_custody_says_who_and_why(irkit: Irkit, tmp_path: Path, flags: tuple[str, ...]) -> None:
    sealed = bags.bundle(tmp_path).path
    assert "who takes the bundle, and why" in irkit("bundle", "transfer", sealed, *flags, code=2).stderr
    assert not sealed.with_name(f"{sealed.name}.custody.jsonl").exists()


def test_a_log_that_is_none_is_named_with_a_remedy(irkit: Irkit, tmp_path: Path) -> None:
    sealed = bags.bundle(tmp_path).path
    log = sealed.with_name(f"{sealed.name}.custody.jsonl")
    log.write_text('{"seq":0,"prev_sha256":"' + "0" * 64 + '"}\n')
    ended = irkit("bundle", "transfer", sealed, "--to", "bob", "--reason", "x", code=5)
    assert f"{log.name} is not the custody log of a bundle" in ended.stderr
    assert "move it away" in ended.stderr


def test_a_gap_that_quotes_a_secret_is_told_without_it(tmp_path: Path) -> None:
    bags.stage(tmp_path, {"pod/pod.json": b'{"spec":{"env":[{"name":"DB_PASSWORD","value":"hunter2-Zebra"}]}}'})
    at = datetime(2026, 11, 23, 3, tzinfo=UTC)
    gap = Gap("logs", "the log", GapReason.FAILED, "webhook says: hunter2-Zebra is too short")
    record = RunRecord("r-1", "c", "p", "0" * 64, "1", Operator("ann", "here"), at, Status.GAPS)
    clean = scrubbed(replace(record, gaps=(gap,)), learned(tmp_path, b"k" * 32))
    assert "hunter2" not in str(clean)
    assert clean.gaps[0].detail.startswith("webhook says: [REDACTED:secret:")
