"""Sealing, and the other readers of what was sealed: GNU tar, gzip, sha256sum, the Library of Congress's bagit."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import tarfile
import threading
import time
import zlib
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import bagit
import pytest

from irkit import digest, lanes
from irkit.bundle import frames, layout
from irkit.bundle.reader import cat, entries, names
from irkit.bundle.seal import seal
from irkit.bundle.verify import verify
from irkit.errors import BundleError, VerificationError
from irkit.model.evidence import Artifact, Gap, GapReason
from irkit.model.run import Operator, RunRecord, Status
from tests.bundle import bags

PAYLOAD = sorted(f"data/{name}" for name in bags.FILES)


def test_bundle_holds_what_was_staged(tmp_path: Path) -> None:
    sealed = bags.bundle(tmp_path)
    assert sealed.path == tmp_path / "out" / f"{bags.NAME}.tar.gz"
    assert sealed.files == len(bags.FILES)
    assert sealed.size == sealed.path.stat().st_size
    assert list(names(sealed.path)) == [*PAYLOAD, *layout.TAGS]
    assert dict(entries(sealed.path))["data/logs/empty.log"] == 0
    for name, content in bags.FILES.items():
        assert b"".join(cat(sealed.path, f"data/{name}")) == content
    verification = verify(sealed.path)
    assert (verification.ok, verification.files, verification.problems) == (True, len(bags.FILES), ())
    assert verification.custody.startswith("intact, 3 entries, head sha256:")


def test_same_inputs_same_bytes_whatever_the_disk_says(tmp_path: Path) -> None:
    one = bags.bundle(tmp_path / "one")
    for path in (tmp_path / "one" / "data").rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    two = seal(bags.NAME, tmp_path / "one/data", tmp_path / "two", info=bags.INFO, custody=bags.CUSTODY, at=bags.AT)
    assert one.path.read_bytes() == two.path.read_bytes()


def test_nothing_of_this_machine_is_in_the_archive(tmp_path: Path) -> None:
    sealed = bags.bundle(tmp_path)
    for info, _ in bags.opened(sealed.path):
        assert (info.uid, info.gid, info.uname, info.gname, info.mode) == (0, 0, "", "", 0o644)
        assert info.mtime == int(bags.AT.timestamp())
        assert info.isreg()
    header = sealed.path.read_bytes()[:24]
    assert header[3:8] == b"\x04\0\0\0\0"  # an extra field, no name, no time


def test_sealing_again_is_the_same_bundle_and_other_content_is_refused(tmp_path: Path) -> None:
    sealed = bags.bundle(tmp_path)
    assert bags.bundle(tmp_path) == sealed
    before = sealed.path.read_bytes()
    with pytest.raises(BundleError, match="exists with other content"):
        bags.bundle(tmp_path, {"pod/pod.json": b"{}"})
    assert sealed.path.read_bytes() == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == [sealed.path.name]


def test_the_same_content_packed_otherwise_is_the_same_bundle(tmp_path: Path) -> None:
    """ISA-L is not quite deterministic."""
    sealed = bags.bundle(tmp_path)
    with sealed.path.open("rb") as source:
        content = b"".join(frames.decompress(source, pytest.fail))
    assert len(content) < frames.FRAME
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    head = sealed.path.read_bytes()[:16] + struct.pack("<II", len(packed), zlib.crc32(packed))
    sealed.path.write_bytes(head + packed + struct.pack("<II", zlib.crc32(content), len(content)))
    otherwise = digest.of_file(sealed.path)
    assert otherwise.sha256 != sealed.sha256
    assert verify(sealed.path).ok
    again = bags.bundle(tmp_path)
    assert (again.sha256, again.size, again.path) == (otherwise.sha256, otherwise.size, sealed.path)
    assert digest.of_file(sealed.path) == otherwise


def test_who_reads_no_further_waits_for_no_thread() -> None:
    """The garbage collector may be who breaks off, within the start of a thread: then none could come to its end."""
    go = threading.Event()
    results = frames._in_order(lambda number: number and go.wait(20), range(1000))
    assert isinstance(results, Generator)
    assert next(results) == 0
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 10
    go.set()


def test_a_seal_cut_off_before_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f"{bags.NAME}.tar.gz.sealing").write_bytes(b"half")
    (out / f"{bags.NAME}.tar.gz.sealing.part").write_bytes(b"half")
    assert verify(bags.bundle(tmp_path).path).ok


def test_two_who_seal_under_one_name_do_not_write_into_each_others_file(tmp_path: Path) -> None:
    part = tmp_path / "out" / f"{bags.NAME}.tar.gz.sealing.part"
    part.parent.mkdir()
    with part.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(b"half")
        other.flush()
        with pytest.raises(BundleError, match="another irkit is writing") as caught:
            bags.bundle(tmp_path)
        assert part.read_bytes() == b"half"
    assert caught.value.hint
    assert verify(bags.bundle(tmp_path).path).ok


def test_gnu_tar_sha256sum_and_bagit_agree(tmp_path: Path) -> None:
    files = bags.FILES | {
        "pod/" + "long-" * 40 + ".json": b"x",
        "pod/ünïcode –.json": b"y",
        "big.log": os.urandom(3 << 20),
    }
    sealed = bags.bundle(tmp_path, files)
    subprocess.run(["gzip", "--test", sealed.path], check=True)
    listed = subprocess.run(
        ["tar", "tzf", sealed.path], check=True, capture_output=True, text=True, env={"LC_ALL": "C.UTF-8", **os.environ}
    ).stdout
    assert len(listed.splitlines()) == len(files) + len(layout.TAGS)
    subprocess.run(["tar", "xzf", sealed.path, "-C", tmp_path], check=True)
    folder = tmp_path / bags.NAME
    for manifest in (layout.MANIFEST, layout.TAGMANIFEST):
        subprocess.run(["sha256sum", "--strict", "--quiet", "-c", manifest], cwd=folder, check=True)
    bag = bagit.Bag(str(folder))
    bag.validate()
    assert bag.info["Case"] == "case-7"
    assert bag.info["Payload-Oxum"] == f"{sum(map(len, files.values()))}.{len(files)}"
    for name, content in files.items():
        assert (folder / "data" / name).read_bytes() == content


def test_names_that_break_lines_are_encoded_as_bagit_says(tmp_path: Path) -> None:
    files = {
        "a\nb": b"1",
        "a\rb": b"2",
        "100%": b"3",
        "%0A": b"4",
        "back\\slash": b"5",
        "\u202egnp": b"6",
        "n" * 255: b"7",
    }
    sealed = bags.bundle(tmp_path, files)
    manifest = b"".join(cat(sealed.path, layout.MANIFEST)).decode()
    assert "data/a%0Ab\n" in manifest
    assert "data/a%0Db\n" in manifest
    assert "data/100%25\n" in manifest
    assert "data/%250A\n" in manifest
    assert verify(sealed.path).ok
    assert b"".join(cat(sealed.path, "data/a\nb")) == b"1"


def test_more_than_one_frame_and_a_frame_that_is_just_full(tmp_path: Path) -> None:
    for size in (1 << 20, (1 << 20) - 512, 3 * (1 << 20) + 17, (1 << 20) - 10240 * 3):
        folder = tmp_path / str(size)
        sealed = bags.bundle(folder, {"x": os.urandom(1000) * (size // 1000) + b"z" * (size % 1000)})
        assert verify(sealed.path).problems == ()
        with tarfile.open(sealed.path) as tar:
            assert len(tar.getmembers()) == 1 + len(layout.TAGS)


def test_files_that_are_hashed_side_by_side_agree_with_sha256sum(tmp_path: Path) -> None:
    """Of middle sizes, for lanes, with tiny ones and one that is too long for a lane between them."""
    files = {f"logs/{number:02d}.log": os.urandom((number % 5) * 300_000 + number) for number in range(16)}
    files["logs/07-long.log"] = os.urandom(lanes.ROOM // 4 + 1)
    sealed = bags.bundle(tmp_path, files)
    subprocess.run(["tar", "xzf", sealed.path, "-C", tmp_path], check=True)
    subprocess.run(["sha256sum", "--strict", "--quiet", "-c", layout.MANIFEST], cwd=tmp_path / bags.NAME, check=True)
    assert verify(sealed.path).problems == ()

    def swap(tar: bags.Tar) -> None:
        tar[6], tar[11] = (tar[6][0], tar[11][1]), (tar[11][0], tar[6][1])

    swapped = [problem.path for problem in verify(bags.changed(sealed.path, swap)).problems]
    assert swapped == ["data/logs/06.log", "data/logs/10.log"]


def test_what_cannot_be_sealed_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BundleError, match="nothing to seal"):
        seal("b", empty, tmp_path, info={}, custody=[], at=bags.AT)
    with pytest.raises(BundleError, match="cannot seal"):
        seal("b", tmp_path / "absent", tmp_path, info={}, custody=[], at=bags.AT)
    (empty / "link").symlink_to("/etc/passwd")
    with pytest.raises(BundleError, match="not a plain file"):
        seal("b", empty, tmp_path, info={}, custody=[], at=bags.AT)
    (empty / "link").unlink()
    (empty / "folder").symlink_to("/etc")
    with pytest.raises(BundleError, match="not a plain file"):
        seal("b", empty, tmp_path, info={}, custody=[], at=bags.AT)
    (empty / "folder").unlink()
    os.mkfifo(empty / "pipe")
    with pytest.raises(BundleError, match="not a plain file"):
        seal("b", empty, tmp_path, info={}, custody=[], at=bags.AT)
    (empty / "pipe").unlink()
    (empty / os.fsdecode(b"\xff")).write_bytes(b"")
    with pytest.raises(BundleError, match="not UTF-8"):
        seal("b", empty, tmp_path, info={}, custody=[], at=bags.AT)
    assert not (tmp_path / "b.tar.gz").exists()


def test_a_file_that_grows_while_it_is_sealed_is_noticed(tmp_path: Path) -> None:
    data = bags.stage(tmp_path / "data", {"a": b"1", "b": b"2"})
    # /proc files have a size of 0 and content: the shortest way to a file that lies about its size.
    from irkit.bundle.seal import _Bag

    bag = _Bag("b", data, {}, b"", bags.AT, ())
    with pytest.raises(BundleError, match="changed while it was sealed"):
        list(bag._payload_file("data/x", Path("/proc/self/status")))


def test_info_and_custody_are_checked_before_anything_is_named(tmp_path: Path) -> None:
    data = bags.stage(tmp_path / "data", {"a": b"1"})
    with pytest.raises(BundleError, match="label"):
        seal("b", data, tmp_path, info={"a:b": ""}, custody=[], at=bags.AT)
    with pytest.raises(BundleError, match="no chain"):
        seal("b", data, tmp_path, info={}, custody=[{"seq": 4}], at=bags.AT)
    assert not (tmp_path / "b.tar.gz").exists()
    seal("b", data, tmp_path, info={"Note": "two\nlines: \x1b[31m"}, custody=[], at=bags.AT)
    assert verify(tmp_path / "b.tar.gz").ok
    assert b"Note: two\\x0alines: \\x1b[31m\n" in b"".join(cat(tmp_path / "b.tar.gz", layout.INFO))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_names_the_kept_evidence(tmp_path: Path) -> None:
    data = bags.stage(tmp_path / "data", {"a": os.urandom(2 << 20)})
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.tar.gz.sealing.part").symlink_to("/dev/full")
    with pytest.raises(BundleError, match="No space left") as caught:
        seal("b", data, out, info={}, custody=[], at=bags.AT)
    assert "free some disk space" in caught.value.hint
    assert str(data) in caught.value.hint
    assert list(out.iterdir()) == []


def test_reading_what_is_not_there_or_not_whole(tmp_path: Path) -> None:
    sealed = bags.bundle(tmp_path)
    with pytest.raises(BundleError, match="no data/absent"):
        list(cat(sealed.path, "data/absent"))
    with pytest.raises(BundleError, match="cannot read"):
        list(names(tmp_path / "absent.tar.gz"))
    with pytest.raises(BundleError, match="cannot read"):
        verify(tmp_path / "absent.tar.gz")
    whole = bytearray(sealed.path.read_bytes())
    whole[200] ^= 1
    sealed.path.write_bytes(whole)
    with pytest.raises(VerificationError, match="damaged"):
        list(names(sealed.path))


def _record() -> RunRecord:
    taken = tuple(
        Artifact(path, "logs", digest.of_bytes(content), len(content), bags.AT)
        for path, content in reversed(bags.FILES.items())
    )
    gap = Gap("logs", "previous log of container app", GapReason.NEVER_EXISTED, "never restarted")
    operator = Operator("ann", "laptop")
    return RunRecord(
        "r1", "case-7", "p", "0" * 64, "0.1.0", operator, bags.AT, Status.GAPS, artifacts=taken, gaps=(gap,)
    )


def test_case_and_collection_tell_the_run_and_are_held_against_the_payload(tmp_path: Path) -> None:
    data = bags.stage(tmp_path / "data", bags.FILES)
    layout.write_case(_record(), data)
    collection = layout.write_collection(_record(), data)
    text = collection.read_text()
    assert [text.index(name) for name in sorted(bags.FILES)] == sorted(text.index(name) for name in bags.FILES)
    assert '"never-existed"' in text
    assert '"os_user": "ann"' in (data / "case.json").read_text()
    assert verify(bags.bundle(tmp_path).path).problems == ()

    (data / "pod/pod.json").write_bytes(b"{}")
    (data / "logs/empty.log").unlink()
    late = seal(bags.NAME, data, tmp_path / "late", info={}, custody=[], at=bags.AT + timedelta(seconds=1))
    found = {(problem.path, problem.problem) for problem in verify(late.path).problems}
    assert found == {
        ("data/pod/pod.json", "not as it was collected: SHA-256 differs"),
        ("data/logs/empty.log", "missing, though it was collected"),
    }
    collection.write_text("[]")
    odd = seal(bags.NAME, data, tmp_path / "odd", info={}, custody=[], at=bags.AT)
    assert [problem.problem for problem in verify(odd.path).problems] == ["not a collection record"]


def test_names_carry_case_pod_and_instant() -> None:
    assert layout.bundle_name("case-7", "web", bags.AT) == bags.NAME
    name = layout.bundle_name("../../" + "c" * 300, "p" * 253, bags.AT)
    assert "/" not in name
    assert len(name) < 220
