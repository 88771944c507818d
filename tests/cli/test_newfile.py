from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from irkit.cli.newfile import vacant, write_new, write_over
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


@contextmanager
def no_room() -> Iterator[None]:
    """No file gets longer than five bytes."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


@pytest.mark.parametrize("write", [write_new, write_over])
def test_a_disk_without_room_leaves_no_part_of_a_file(tmp_path: Path, write: Callable[[Path, bytes], None]) -> None:
    with no_room(), pytest.raises(UsageError, match="cannot write .*: File too large"):
        write(tmp_path / "new", b"longer than that")
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_is_replaced_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    (path := tmp_path / "old").write_bytes(b"old")
    path.chmod(0o600)
    (link := tmp_path / "link").symlink_to(path)
    with no_room(), pytest.raises(UsageError, match="cannot write"):
        write_over(link, b"longer than that")
    assert path.read_bytes() == b"old"
    write_over(link, b"longer than that")
    assert path.read_bytes() == b"longer than that"
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "old"]


def test_what_is_no_plain_file_is_written_into(tmp_path: Path) -> None:
    write_over(Path("/dev/null"), b"text")
    for place in (tmp_path, tmp_path / "absent" / "new"):
        with pytest.raises(UsageError, match="cannot write"):
            write_over(place, b"text")


def test_nothing_is_read_where_nothing_could_be_written(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    for flag in ("--out", "--known"):
        told = irkit("audit", "baseline", tmp_path / "absent.log", flag, tmp_path / "there", code=2).stderr
        assert "exists already" in told
        assert "absent.log" not in told
