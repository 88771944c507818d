"""What holds no secret stands in a shareable bundle as it is; of all else a copy does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from irkit import digest
from irkit.bundle.recipients.copies import shown

SECRET = b"hunter2"


def hide(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """As a redactor does: whole text before and behind a secret, in pieces of its own."""
    whole = b"".join(chunks)
    *before, last = whole.split(SECRET)
    for piece in before:
        yield piece
        yield b"[REDACTED]"
    yield last


def nothing(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What came, cut anew."""
    for chunk in chunks:
        yield chunk[: len(chunk) // 3]
        yield chunk[len(chunk) // 3 :]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "app.log"
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("content", [b"", b"a", b"all is well\n" * 200_000])
def test_a_file_without_secrets_gets_a_second_name(file: Path, tmp_path: Path, content: bytes) -> None:
    file.write_bytes(content)
    target = tmp_path / "staged" / "logs" / "app.log"
    assert shown(file, target, nothing) is None
    assert target.samefile(file)
    assert target.read_bytes() == content


@pytest.mark.parametrize("before", [b"", b"x", b"y" * (1 << 20), b"z" * (3 << 20)])
@pytest.mark.parametrize("behind", [b"", b" and more", b"!" * (2 << 20)])
def test_a_file_with_a_secret_is_copied_without_it(file: Path, tmp_path: Path, before: bytes, behind: bytes) -> None:
    file.write_bytes(before + SECRET + behind)
    target = tmp_path / "staged" / "app.log"
    sha256 = shown(file, target, hide)
    assert target.read_bytes() == before + b"[REDACTED]" + behind
    assert sha256 == digest.of_file(target).sha256
    assert file.read_bytes() == before + SECRET + behind


def test_what_is_missing_at_the_end_is_no_second_name(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"kept" + SECRET)
    target = tmp_path / "staged" / "app.log"
    assert shown(file, target, lambda chunks: iter([next(iter(chunks))[:4]]))
    assert target.read_bytes() == b"kept"


def test_where_there_are_no_links_a_file_is_copied(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as exFAT says it

    monkeypatch.setattr(os, "link", refuse)
    file.write_bytes(b"all is well")
    target = tmp_path / "staged" / "app.log"
    assert shown(file, target, nothing) is None
    assert target.read_bytes() == b"all is well"
    assert not target.samefile(file)
