from __future__ import annotations

import resource
from pathlib import Path

import pytest

from irkit.cli.newfile import vacant, write_new
from irkit.errors import UsageError
from tests.audit.shell import irkit


def test_a_new_file_is_written_and_an_old_one_never(tmp_path: Path) -> None:
    path = tmp_path / "new"
    vacant(path)
    vacant(None)
    write_new(path, b"text")
    with pytest.raises(UsageError, match="exists already"):
        write_new(path, b"other")
    with pytest.raises(UsageError, match="exists already"):
        vacant(path)
    with pytest.raises(UsageError, match="cannot write"):
        write_new(tmp_path / "absent" / "new", b"text")
    assert path.read_bytes() == b"text"


def test_a_disk_without_room_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, most))
    try:
        with pytest.raises(UsageError, match="cannot write .*: File too large"):
            write_new(tmp_path / "new", b"longer than that")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_read_where_nothing_could_be_written(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    for flag in ("--out", "--known"):
        told = irkit("audit", "baseline", tmp_path / "absent.log", flag, tmp_path / "there", code=2).stderr
        assert "exists already" in told
        assert "absent.log" not in told
