"""Compiled templates are kept beside them, and used only for what they were made from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jinja2
import pytest

from irkit.report.compiled import Compiled


def environment(folder: Path, kind: str = "html", made_by: Path | None = None) -> jinja2.Environment:
    cache = Compiled(folder, kind, made_by=made_by or folder / "maker.py")
    loader = jinja2.FileSystemLoader(folder)
    return jinja2.Environment(loader=loader, bytecode_cache=cache, autoescape=kind == "html")  # noqa: S701 - both are told apart


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "page.html").write_text("hello {{ who }}")
    (tmp_path / "maker.py").write_text("")
    return tmp_path


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "__pycache__").glob("*.jinja"))


def shown(folder: Path, kind: str = "html") -> str:
    return environment(folder, kind).get_template("page.html").render(who="<you>")


def test_it_is_made_once_and_used_again(folder: Path) -> None:
    assert shown(folder) == "hello &lt;you&gt;"
    (made,) = kept(folder)
    before = made.stat().st_mtime_ns
    assert shown(folder) == "hello &lt;you&gt;"
    assert made.stat().st_mtime_ns == before


def test_another_template_is_compiled_anew(folder: Path) -> None:
    shown(folder)
    (folder / "page.html").write_text("bye {{ who }}")
    assert shown(folder) == "bye &lt;you&gt;"


def test_what_another_environment_made_is_not_used(folder: Path) -> None:
    assert shown(folder, "html") == "hello &lt;you&gt;"
    assert shown(folder, "md") == "hello <you>"
    assert len(kept(folder)) == 2


def test_what_was_made_in_another_way_is_not_used(folder: Path) -> None:
    shown(folder)
    (made,) = kept(folder)
    before = made.read_bytes()
    os.utime(folder / "maker.py", ns=(1, 1))
    shown(folder)
    assert made.read_bytes() != before


@pytest.mark.parametrize("size", [0, 10, 40, 100])
def test_one_cut_short_is_made_anew(folder: Path, size: int) -> None:
    shown(folder)
    (made,) = kept(folder)
    made.write_bytes(made.read_bytes()[:size])
    assert shown(folder) == "hello &lt;you&gt;"


def test_nothing_is_kept_where_that_cannot_be_done(folder: Path) -> None:
    (folder / "__pycache__").write_text("in the way")
    assert shown(folder) == "hello &lt;you&gt;"


def test_nothing_is_kept_where_python_is_told_to_keep_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert shown(folder) == "hello &lt;you&gt;"
    assert not (folder / "__pycache__").exists()
