"""The ground: chain, digest, text, times."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit import digest, times
from irkit.chain import Chain, link, verify
from irkit.errors import IrkitError, JournalError, VerificationError
from irkit.text import safe, slug


def test_chain_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    chain = Chain(path)
    chain.append({"kind": "one"})
    chain.append({"kind": "two"})
    chain.close()
    path.write_bytes(path.read_bytes() + b'{"seq":2,"torn')

    chain = Chain(path)
    assert [record["kind"] for record in chain.records] == ["one", "two"]
    chain.append({"kind": "three"})
    chain.close()
    lines = path.read_bytes().splitlines()
    assert [record["kind"] for record in verify(lines)] == ["one", "two", "three"]
    assert chain.head == hashlib.sha256(lines[-1]).hexdigest()


@pytest.mark.parametrize("swap", [(0, 1), (1, 2), (0, 2)])
def test_chain_reordered_is_broken(swap: tuple[int, int]) -> None:
    lines = list(link({"n": n} for n in range(3)))
    lines[swap[0]], lines[swap[1]] = lines[swap[1]], lines[swap[0]]
    with pytest.raises(VerificationError):
        list(verify(lines))


@given(st.integers(0, 200), st.integers(1, 255))
def test_chain_with_any_byte_flipped_is_broken_or_says_something_else(where: int, flip: int) -> None:
    lines = list(link({"n": n, "text": "\ud800 \n"} for n in range(3)))
    whole = bytearray(b"".join(lines[:2]))
    whole[where % len(whole)] ^= flip
    with pytest.raises(VerificationError):
        list(verify([*bytes(whole).split(b"\n")[:-1], lines[2]]))


def test_chain_on_a_folder_is_a_journal_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        Chain(tmp_path)


def test_write_hashes_what_it_keeps(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    whole = digest.write([b"ab", b"cd"], target)
    assert (whole.sha256, whole.size, whole.truncated) == (hashlib.sha256(b"abcd").hexdigest(), 4, False)
    assert digest.of_file(target) == whole
    assert digest.of_bytes(b"abcd") == whole.sha256
    cut = digest.write([b"ab", b"cd"], target, limit=3)
    assert (target.read_bytes(), cut.truncated, cut.size) == (b"abc", True, 3)
    assert not digest.write([b"ab", b"cd"], target, limit=4).truncated


def test_write_keeps_what_had_arrived_when_the_source_fails(tmp_path: Path) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        raise IrkitError("cut")

    with pytest.raises(IrkitError):
        digest.write(source(), tmp_path / "file")
    assert not (tmp_path / "file").exists()
    assert (tmp_path / "file.part").read_bytes() == b"half"


def test_write_says_what_the_disk_could_not_keep_while_more_comes(tmp_path: Path) -> None:
    """A pipe takes every byte and cannot be fsynced: a disk that fails behind our back."""
    os.mkfifo(tmp_path / "log.part")
    taken = []

    def endless() -> Iterator[bytes]:
        for number in range(1000):
            taken.append(number)
            yield chunk

    chunk = bytes(digest.CHUNK)
    with subprocess.Popen(["cat", tmp_path / "log.part"], stdout=subprocess.DEVNULL):
        with pytest.raises(OSError, match="Invalid argument"):
            digest.write(endless(), tmp_path / "log")
    assert len(taken) < 200
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\x9b2J", "\\x9b2J"),
        ("two\nlines", "two\\x0alines"),
        ("grüße 漢字", "grüße 漢字"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_safe_shows_what_would_steer_a_terminal(raw: str, shown: str) -> None:
    assert safe(raw) == shown


def test_safe_keeps_what_it_is_told_to() -> None:
    assert safe("a\n\tb\x1b", keep="\n\t") == "a\n\tb\\x1b"


@given(st.text(), st.text())
def test_slugs_are_names_and_differ_when_the_names_differ(one: str, other: str) -> None:
    made = slug(one)
    assert made
    assert len(made) <= 80
    assert not made.startswith(".")
    assert all(char.isascii() and (char.isalnum() or char in "._-") for char in made)
    assert (made == slug(other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    ["2026-11-23T03:00:00Z", "2026-11-23T03:00:00.000000000Z", "2026-11-23T04:00:00+01:00", "2026-11-23 03:00:00z"],
)
def test_times_are_utc(text: str) -> None:
    at = times.parse(text)
    assert at == datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert times.rfc3339(at) == "2026-11-23T03:00:00.000000Z"
    assert times.stamp(at) == "20261123T030000Z"


@pytest.mark.parametrize("text", ["", "2026-11-23", "2026-11-23T03:00:00", "yesterday", "2026-13-23T03:00:00Z"])
def test_a_time_without_offset_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|month"):
        times.parse(text)


def test_the_digest_of_the_tool_is_what_the_documented_command_prints() -> None:
    page = (Path(__file__).parents[1] / "docs/evidence.md").read_text()
    (command,) = [line for line in page.splitlines() if line.startswith("find * ")]
    home = Path(digest.__file__).parent
    printed = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=home, check=True, capture_output=True)
    assert printed.stdout.split()[0].decode() == digest.of_tool()


def test_no_thread_outlives_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "_STRETCH", 10)
    before, during = threading.active_count(), set[int]()

    def chunks() -> Iterator[bytes]:
        for _ in range(5):
            yield b"0123456789"
            during.add(threading.active_count())

    assert digest.write(chunks(), tmp_path / "log").size == 50
    assert max(during) == before + 1
    assert threading.active_count() == before


def test_a_new_file_is_whole_or_not_there(tmp_path: Path) -> None:
    digest.create(tmp_path / "key", b"secret", 0o600)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        digest.create(tmp_path / "key", b"other")
    assert (tmp_path / "key").read_bytes() == b"secret"
