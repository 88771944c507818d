"""What is compiled once is used only while it is just what would be made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from irkit import kept


@pytest.fixture(autouse=True)
def writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def file(folder: Path) -> Path:
    (found,) = (folder / "__pycache__").iterdir()
    return found


def test_it_is_there_for_the_same_recipe(tmp_path: Path) -> None:
    assert kept.read(tmp_path, "page", b"recipe") is None
    kept.write(tmp_path, "page", b"recipe", b"made")
    assert kept.read(tmp_path, "page", b"recipe") == b"made"


def test_another_recipe_makes_another_one_that_takes_its_place(tmp_path: Path) -> None:
    kept.write(tmp_path, "page", b"recipe", b"made")
    assert kept.read(tmp_path, "page", b"recipe of another version") is None
    kept.write(tmp_path, "page", b"recipe of another version", b"made anew")
    assert file(tmp_path).read_bytes().endswith(b"made anew")


@pytest.mark.parametrize("place", [0, 31, 32, -1])
def test_one_flipped_bit_is_enough_to_refuse_it(tmp_path: Path, place: int) -> None:
    kept.write(tmp_path, "page", b"recipe", b"made")
    damaged = bytearray(file(tmp_path).read_bytes())
    damaged[place] ^= 1
    file(tmp_path).write_bytes(damaged)
    assert kept.read(tmp_path, "page", b"recipe") is None


@pytest.mark.parametrize("size", [0, 31, 32, 35])
def test_one_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    kept.write(tmp_path, "page", b"recipe", b"made")
    file(tmp_path).write_bytes(file(tmp_path).read_bytes()[:size])
    assert kept.read(tmp_path, "page", b"recipe") is None


def test_it_stands_where_python_keeps_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    kept.write(tmp_path / "package", "page", b"recipe", b"made")
    assert not (tmp_path / "package").exists()
    assert kept.read(tmp_path / "package", "page", b"recipe") == b"made"


def test_nothing_is_kept_where_that_cannot_be_done(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("in the way")
    kept.write(tmp_path, "page", b"recipe", b"made")
    assert kept.read(tmp_path, "page", b"recipe") is None
    assert [each.name for each in tmp_path.iterdir()] == ["__pycache__"]


def test_nothing_is_kept_where_python_is_told_to_keep_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    kept.write(tmp_path, "page", b"recipe", b"made")
    assert not list(tmp_path.iterdir())
