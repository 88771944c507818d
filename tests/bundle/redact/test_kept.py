"""Patterns that were compiled before find the same; those that fit no more are compiled anew."""

from __future__ import annotations

import sys
from pathlib import Path

import hyperscan
import pytest

from irkit import kept
from irkit.bundle.redact.detect import scanner
from irkit.bundle.redact.detect.scanner import Triggers

TEXT = b"one two one"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    return tmp_path


def made(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


def test_those_with_a_name_are_compiled_once(folder: Path) -> None:
    first = Triggers([b"one", b"two"], name="some").hits(TEXT)
    (file,) = made(folder)
    before = file.stat()
    assert Triggers([b"one", b"two"], name="some").hits(TEXT) == first == [(3, 0), (7, 1), (11, 0)]
    assert file.stat() == before


def test_other_patterns_or_flags_are_others(folder: Path) -> None:
    Triggers([b"one"], name="some")
    assert Triggers([b"two"], name="some").hits(TEXT) == [(7, 0)]
    assert Triggers([b"TWO"], [hyperscan.HS_FLAG_CASELESS], name="some").hits(TEXT) == [(7, 0)]


def test_what_hyperscan_refuses_is_compiled_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside, recipe = Path(scanner.__file__).parent, repr(([b"one"], [0])).encode()
    kept.write(beside, "some", recipe, b"of another version")
    assert Triggers([b"one"], name="some").hits(TEXT) == [(3, 0), (11, 0)]
    assert kept.read(beside, "some", recipe) != b"of another version"


def test_the_secrets_of_a_case_are_never_kept(folder: Path) -> None:
    assert scanner.Scanner({b"hunter2": b"hunter2"}).spans(b"say hunter2")
    assert not [each for each in made(folder) if b"hunter2" in each.read_bytes() or "detectors" not in each.name]
