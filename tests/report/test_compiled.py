"""A template that was compiled before makes the same page, and only where it would be compiled the same way."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jinja2
import pytest

from irkit.report.compiled import Compiled


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "page.html").write_text("hello {{ who }}")
    (tmp_path / "maker.py").write_text("")
    return tmp_path


def shown(folder: Path, kind: str = "html") -> str:
    cache = Compiled(folder, kind, made_by=folder / "maker.py")
    loader = jinja2.FileSystemLoader(folder)
    made = jinja2.Environment(loader=loader, bytecode_cache=cache, autoescape=kind == "html")  # noqa: S701 - told apart
    return made.get_template("page.html").render(who="<you>")


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "__pycache__").iterdir())


def test_it_is_compiled_once(folder: Path) -> None:
    assert shown(folder) == "hello &lt;you&gt;"
    (made,) = kept(folder)
    before = made.stat()
    assert shown(folder) == "hello &lt;you&gt;"
    after = made.stat()  # but for the time of the last reading
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_template_that_changed_is_compiled_anew(folder: Path) -> None:
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


def test_a_damaged_one_is_compiled_anew(folder: Path) -> None:
    shown(folder)
    (made,) = kept(folder)
    made.write_bytes(made.read_bytes()[:-40])
    assert shown(folder) == "hello &lt;you&gt;"
