"""Sources behind closed doors, under odd names, torn: each a gap that says so, and the others are read all the same."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from irkit.audit import told
from irkit.audit.read import sources
from irkit.audit.read.look import Found, look
from irkit.audit.read.window import Window
from irkit.audit.search import Search, search
from irkit.model.evidence import GapReason
from tests.audit.logs import START, event, line, log

NOBODY = 65534


@contextmanager
def nobody() -> Iterator[None]:
    """Act as a user who owns nothing: root may read everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that anybody may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        for inner in Path(folder).iterdir():
            if inner.is_dir():
                inner.chmod(0o700)


def read(*names: object) -> tuple[Search, int]:
    looking = search([str(name) for name in names])
    return looking, len(list(looking))


@pytest.mark.parametrize("name", ["locked/audit.log", "locked/*.log", "locked", "locked/fifo"])
@pytest.mark.parametrize("mode", [0o000, 0o404])
def test_a_folder_that_we_may_not_enter_is_denied(public: Path, name: str, mode: int) -> None:
    (public / "locked").mkdir()
    log(public / "locked" / "audit.log", [event()])
    os.mkfifo(public / "locked" / "fifo")
    beside = log(public / "beside.log", [event()])
    (public / "locked").chmod(mode)
    with nobody():
        looking, matches = read(public / name, beside)
    assert matches == 1
    assert looking.gaps[0].reason is GapReason.DENIED
    assert all(gap.remedy for gap in looking.gaps)


def test_a_file_or_pipe_that_we_may_not_read_is_denied(public: Path) -> None:
    log(public / "audit.log", [event()]).chmod(0)
    os.mkfifo(public / "pipe", 0)
    with nobody():
        looking, _ = read(public / "audit.log", public / "pipe")
    assert [gap.reason for gap in looking.gaps] == [GapReason.DENIED] * 2


def test_a_folder_tells_what_of_it_cannot_be_read(public: Path) -> None:
    log(public / "audit.log", [event()])
    log(public / "text.gz", [b"no audit log\n"])
    (public / "absent").symlink_to("nowhere")
    os.mkfifo(public / "pipe")
    (public / "audit-1.log.gz").write_bytes(gzip.compress(b"x")[:12])
    (public / "locked").mkdir(0)
    with nobody():
        looking, matches = read(public)
    assert matches == 1
    told_of = {(gap.target.rpartition("/")[2], gap.reason) for gap in looking.gaps}
    assert told_of == {("audit-1.log.gz", GapReason.TRUNCATED), ("locked", GapReason.DENIED)}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_of_logs_is_no_log(tmp_path: Path, mode: Literal["w", "w:gz"]) -> None:
    beside = log(tmp_path / "audit.log", [event(seconds=second) for second in range(5)])
    with tarfile.open(tmp_path / "old.tar", mode) as archive:
        archive.add(beside, "audit-1.log")
        archive.add(beside, "audit-2.log")
    for name in (tmp_path, tmp_path / "old.tar"):
        looking, matches = read(name)
        assert [(gap.reason, gap.detail) for gap in looking.gaps] == [(GapReason.FAILED, "a tar archive of audit logs")]
        assert matches == 5 * (name == tmp_path)


@pytest.mark.parametrize("name", ["", "~nobody-of-that-name/audit.log", "n" * 300, "n" * 300 + "/*"])
def test_a_name_that_no_file_can_have(name: str) -> None:
    looking, _ = read(name)
    assert [gap.reason in (GapReason.ABSENT, GapReason.FAILED) for gap in looking.gaps] == [True]


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = log(tmp_path / os.fsdecode(b"audit-\xff.log"), [event()])
    (match,) = search([str(path)])
    assert rb"audit-\\xff.log:0" in told.line(match)


def test_a_rotation_between_two_looks_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest rotation is removed while the others are still being looked at."""

    def rotating(path: Path, label: str) -> Found:
        found = look(path, label)
        if path.name == "audit-2.log":
            (tmp_path / "audit-1.log").unlink()
        return found

    monkeypatch.setattr(sources, "look", rotating)
    log(tmp_path / "audit-1.log", [event()])
    log(tmp_path / "audit-2.log", [event(seconds=20)])
    looking, matches = read(tmp_path)
    assert matches == 1
    assert [(gap.reason, "audit-1.log" in gap.target) for gap in looking.gaps] == [(GapReason.ABSENT, True)]


@pytest.mark.parametrize("name", ["audit.log", "audit.log.gz"])
def test_a_source_that_went_away_has_no_window(tmp_path: Path, name: str) -> None:
    path = log(tmp_path / name, [event()])
    (source,) = sources.Sources([str(path)]).readable
    path.unlink()
    assert Window(START).within(source) == (0, source.size)


def test_a_pipe_that_finds_no_room_is_a_gap_that_says_where_room_is_needed(tmp_path: Path) -> None:
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("LEFT OUT: a disk of a chosen size takes root on Linux")
    (tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path / "small"], check=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "irkit", "audit", "search", "-", "--where", "verb"],
            input=b"".join(line(event(seconds=second)) for second in range(200)),
            check=False,
            capture_output=True,
            env=os.environ | {"TMPDIR": str(tmp_path / "small")},
        )
    finally:
        subprocess.run(["umount", tmp_path / "small"], check=True)
    assert (done.returncode, b"No space left" in done.stderr, b"(TMPDIR)" in done.stderr) == (4, True, True)
