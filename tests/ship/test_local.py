"""Folders: names, full disks, forbidden places, racing writers."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit import digest
from irkit.errors import IrkitError, ShipError, UsageError
from irkit.model.bundle import Bundle
from irkit.settings import StoreSettings
from irkit.ship.destination import destination
from irkit.ship.local import Folder
from irkit.ship.s3 import Bucket


def bundle(folder: Path, content: bytes = b"sealed") -> Bundle:
    path = folder / "b.tar.gz"
    path.write_bytes(content)
    return Bundle(path, hashlib.sha256(content).hexdigest(), len(content), 1)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///var/evidence", "/var/evidence"),
        ("file://./irkit-evidence", "irkit-evidence"),
        ("file://../up", "../up"),
        ("file:///with%20space", "/with space"),
        ("file://localhost/var", "/var"),
        ("./here", "here"),
        ("/there/b", "/there/b"),
        ("plain%20name", "plain%20name"),
    ],
)
def test_a_folder_by_any_name(url: str, path: str) -> None:
    assert destination(StoreSettings(url)) == Folder(Path(path))


@pytest.mark.parametrize(
    "url",
    [
        "file://host/share",
        "file://relative",
        "file://",
        "",
        "a\0b",
        "gs://bucket",
        "http://x/y",
        "s3://",
        "s3:///x",
        "s3:/b/x",
        "s3:b",
        "file:/var",
        "file:",
    ],
)
def test_a_store_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        destination(StoreSettings(url))
    assert caught.value.hint


@pytest.mark.parametrize("below", ["", "/new", "/new/er"])
def test_a_file_is_no_folder_and_that_is_known_before_there_is_a_bundle(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=f"not a folder: {tmp_path}/file$"):
        destination(StoreSettings(f"{tmp_path}/file{below}")).check()


@given(st.text(max_size=30))
def test_no_text_is_more_than_a_usage_error(url: str) -> None:
    try:
        found = destination(StoreSettings(url))
    except IrkitError:
        return
    assert isinstance(found, Folder | Bucket)


@pytest.mark.parametrize(
    "settings",
    [
        StoreSettings("file:///x", s3_lock="governance", s3_retain_days=1),
        StoreSettings("/x", s3_legal_hold=True),
        StoreSettings("/x", s3_sse_kms_key="k"),
        StoreSettings("s3://b", s3_lock="forever", s3_retain_days=1),
        StoreSettings("s3://b", s3_lock="governance"),
        StoreSettings("s3://b", s3_lock="governance", s3_retain_days=0),
        StoreSettings("s3://b", s3_lock="governance", s3_retain_days=-3),
        StoreSettings("s3://b", s3_retain_days=3),
    ],
)
def test_wishes_that_fit_no_store_are_refused_before_anything(settings: StoreSettings) -> None:
    with pytest.raises(UsageError) as caught:
        destination(settings)
    assert caught.value.hint


def test_the_folder_is_made_for_its_owner_alone_and_holds_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "store"
    receipt = Folder(folder).put(bundle(tmp_path), "b.tar.gz")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["b.tar.gz"]
    assert receipt.url == (folder / "b.tar.gz").as_uri()


def test_a_bundle_sealed_into_the_store_itself_is_already_there(tmp_path: Path) -> None:
    sealed = bundle(tmp_path)
    assert Folder(tmp_path).put(sealed, sealed.path.name).sha256 == sealed.sha256


def test_where_nothing_can_be_written_check_and_put_say_why(tmp_path: Path) -> None:
    sealed = bundle(tmp_path)
    for folder, why in (
        (sealed.path, "File exists"),
        (sealed.path / "x", "Not a directory"),
        (Path("/proc/x"), "cannot write"),
    ):
        with pytest.raises(ShipError, match=why) as caught:
            Folder(folder).put(sealed, "b.tar.gz")
        assert caught.value.hint
    for folder in (sealed.path, Path("/proc/x")):
        with pytest.raises((ShipError, UsageError)):
            Folder(folder).check()
    Folder(tmp_path / "not" / "yet" / "there").check()
    assert not (tmp_path / "not").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / f"b.tar.gz.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(ShipError, match="No space left on device") as caught:
        Folder(folder).put(bundle(tmp_path, bytes(1 << 20)), "b.tar.gz")
    assert caught.value.hint == "free some disk space, or ship elsewhere"
    assert list(folder.iterdir()) == []


def test_of_two_writers_the_first_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    digest.publish(one, tmp_path / "name")
    with pytest.raises(FileExistsError):
        digest.publish(two, tmp_path / "name")
    assert (tmp_path / "name").read_bytes() == b"1"
    assert not one.exists()
    assert two.exists()


def test_without_hard_links_nothing_is_overwritten_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: object, __: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)  # what exFAT says
    test_of_two_writers_the_first_wins(tmp_path, monkeypatch)


def test_a_writer_that_came_between_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed, folder = bundle(tmp_path), tmp_path / "store"
    folder.mkdir()
    monkeypatch.setattr(Path, "exists", lambda _: False)  # looked before the other wrote
    (folder / "b.tar.gz").write_bytes(b"other")
    with pytest.raises(ShipError, match="exists with other content"):
        Folder(folder).put(sealed, "b.tar.gz")
    assert (folder / "b.tar.gz").read_bytes() == b"other"
