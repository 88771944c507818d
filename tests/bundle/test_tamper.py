"""Tampering: every change to a bundle is reported, whoever made it; the untouched one never is."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from irkit import chain, digest
from irkit.bundle import frames, layout
from irkit.bundle.verify import verify
from tests.bundle import bags
from tests.bundle.bags import Tar

SMALL = {"pod/pod.json": b'{"kind":"Pod"}\n', "logs/app.log": b"GET /\n" * 40}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bags.bundle(tmp_path_factory.mktemp("sound"), SMALL).path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = b"".join(b"%d GET /cart/%d\n" % (n, n * 7919) for n in range(140_000))
    return bags.bundle(tmp_path_factory.mktemp("large"), SMALL | {"logs/app.log": lines}).path


def problems(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for problem in verify(path).problems:
        found.setdefault(problem.path, []).append(problem.problem)
    return found


def test_every_single_bit_of_the_file_counts(sound: Path, tmp_path: Path) -> None:
    whole, copy = sound.read_bytes(), tmp_path / sound.name
    copy.write_bytes(whole)
    assert verify(copy).ok
    for at in range(len(whole)):
        copy.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        assert not verify(copy).ok, f"flipped bit {at % 8} of byte {at} of {len(whole)}"


def test_every_length_but_the_whole_is_cut_short(sound: Path, tmp_path: Path) -> None:
    whole, copy = sound.read_bytes(), tmp_path / sound.name
    for length in range(len(whole)):
        copy.write_bytes(whole[:length])
        assert not verify(copy).ok, length


RAW = st.one_of(
    st.tuples(st.just("flip"), st.floats(0, 1, exclude_max=True), st.integers(1, 255)),
    st.tuples(st.just("drop"), st.floats(0, 1, exclude_max=True), st.integers(1, 5000)),
    st.tuples(st.just("add"), st.floats(0, 1), st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("repeat"), st.floats(0, 1, exclude_max=True), st.integers(1, 100_000)),
)


def _mutated(whole: bytes, kind: str, where: float, what: int | bytes) -> bytes:
    at = int(where * len(whole))
    if isinstance(what, bytes):
        return whole[:at] + what + whole[at:]
    if kind == "flip":
        return whole[:at] + bytes([whole[at] ^ what]) + whole[at + 1 :]
    if kind == "drop":
        return whole[:at] + whole[at + what :]
    return whole[: at + what] + whole[at:]


@settings(max_examples=150)
@given(RAW)
@example(("add", 1.0, b"\0"))
@example(("add", 1.0, gzip.compress(b"")))
@example(("add", 0.0, b"\0"))
def test_bytes_of_the_file(large: Path, tmp_path: Path, mutation: tuple[str, float, int | bytes]) -> None:
    whole = large.read_bytes()
    copy = tmp_path / large.name
    copy.write_bytes(_mutated(whole, *mutation))
    assert verify(copy).ok == (copy.read_bytes() == whole)


@settings(max_examples=150)
@given(RAW)
def test_bytes_of_the_tar_packed_again_with_whole_frames(
    sound: Path, tmp_path: Path, mutation: tuple[str, float, int | bytes]
) -> None:
    whole = bags.plain(sound)
    changed = _mutated(whole, *mutation)
    copy = tmp_path / sound.name
    copy.write_bytes(b"".join(frames.compress([changed])))
    assert verify(copy).ok == (changed == whole)


@settings(max_examples=100)
@given(st.integers(0, len(SMALL) + len(layout.TAGS) - 1), RAW)
def test_bytes_of_any_member_in_a_tar_that_is_whole(
    sound: Path, tmp_path: Path, which: int, mutation: tuple[str, float, int | bytes]
) -> None:
    members = bags.opened(sound)
    info, content = members[which]
    members[which] = (info, _mutated(content, *mutation))
    copy = bags.packed(tmp_path / sound.name, members)
    assert verify(copy).ok == (members[which][1] == content)


@settings(max_examples=40)
@given(st.permutations(range(len(SMALL) + len(layout.TAGS))))
def test_members_in_another_order(sound: Path, tmp_path: Path, order: list[int]) -> None:
    members = bags.opened(sound)
    copy = bags.packed(tmp_path / sound.name, [members[n] for n in order])
    assert verify(copy).ok == (order == sorted(order))


@pytest.mark.parametrize("which", range(len(SMALL) + len(layout.TAGS)))
def test_a_member_dropped_is_named(sound: Path, which: int) -> None:
    name = bags.opened(sound)[which][0].name.removeprefix(f"{bags.NAME}/")
    found = problems(bags.changed(sound, lambda members: members[:which] + members[which + 1 :]))
    assert "missing" in found[name][0]


@pytest.mark.parametrize("which", range(len(SMALL) + len(layout.TAGS)))
def test_a_member_doubled_is_named(sound: Path, which: int) -> None:
    name = bags.opened(sound)[which][0].name.removeprefix(f"{bags.NAME}/")
    found = problems(bags.changed(sound, lambda members: members[: which + 1] + members[which:]))
    assert "stands in the bundle twice" in found[name]


def _extra(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"x") -> Callable[[Tar], None]:
    def change(members: Tar) -> None:
        info = tarfile.TarInfo(name)
        info.mtime, info.mode, info.type, info.linkname = members[0][0].mtime, 0o644, kind, "/etc/passwd"
        if kind == tarfile.REGTYPE:
            info.linkname = ""
        members.insert(0, (info, content))

    return change


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("/etc/passwd", "unsafe name"),
        (f"{bags.NAME}/../../etc/passwd", "unsafe name"),
        (f"{bags.NAME}/data/./x", "unsafe name"),
        (f"{bags.NAME}//x", "unsafe name"),
        ("", "unsafe name"),
        (f"{bags.NAME}/data/", "unsafe name"),
        (f"{bags.NAME}/fetch.txt", "not part of a bundle"),
        (f"{bags.NAME}/data/evil", "not listed in manifest-sha256.txt"),
        (f"{bags.NAME}/data/" + "n" * 300, "not listed in manifest-sha256.txt"),
    ],
)
def test_a_member_added_is_named(sound: Path, name: str, problem: str) -> None:
    found = problems(bags.changed(sound, _extra(name)))
    assert problem in found[name.removeprefix(f"{bags.NAME}/")]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a character device"),
        (tarfile.BLKTYPE, "a block device"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.DIRTYPE, "a folder"),
        (b"Z", "of type b'Z'"),
    ],
)
def test_links_devices_and_folders_are_named(sound: Path, kind: bytes, word: str) -> None:
    path = bags.changed(sound, _extra(f"{bags.NAME}/data/a", kind, b""))
    assert f"is {word}, not a plain file" in [problem.problem for problem in verify(path).problems]


def test_another_folder_in_the_archive_is_named(sound: Path) -> None:
    def change(members: Tar) -> None:
        members[1][0].name = members[1][0].name.replace(bags.NAME, "elsewhere")

    assert any(
        f"outside the bundle's folder {bags.NAME}" in text for text in problems(bags.changed(sound, change)).values()
    )


@pytest.mark.parametrize("field", ["mtime", "uid", "mode", "uname", "pax"])
def test_metadata_changed_is_named(sound: Path, field: str) -> None:
    def change(members: Tar) -> None:
        info = members[1][0]
        if field == "pax":
            info.pax_headers = {"comment": "hidden"}
        elif field == "uname":
            info.uname = "root"
        else:
            setattr(info, field, getattr(info, field) + 1)

    assert set(problems(bags.changed(sound, change))) == {"data/pod/pod.json"}


def test_the_time_of_all_files_is_held_against_the_seal(sound: Path) -> None:
    def change(members: Tar) -> None:
        for info, _ in members:
            info.mtime += 3600

    assert problems(bags.changed(sound, change)) == {layout.INFO: ["Sealed-At is not the time of the files"]}


def _rewritten(members: Tar, texts: dict[str, bytes]) -> Tar:
    """`members` with tag files replaced and the tagmanifest made to fit: a forger who knows the format."""
    held = {info.name.partition("/")[2]: content for info, content in members} | texts
    tags = {name: held[name] for name in layout.TAGS[:-1]}
    held[layout.TAGMANIFEST] = layout.tag_manifest(tags)
    return [(info, held[info.name.partition("/")[2]]) for info, _ in members]


def test_the_end_of_the_custody_log_cut_off_is_found_by_the_head_in_bag_info(sound: Path) -> None:
    lines = layout.lines(
        dict((info.name.partition("/")[2], content) for info, content in bags.opened(sound))[layout.CUSTODY]
    )
    for kept in range(len(lines)):
        text = {layout.CUSTODY: b"".join(line + b"\n" for line in lines[:kept])}
        verification = verify(bags.changed(sound, partial(_rewritten, texts=text)))
        assert verification.custody.startswith(f"intact, {kept} entries")
        assert {problem.path for problem in verification.problems} == {layout.INFO}


def test_a_custody_line_changed_breaks_the_chain(sound: Path) -> None:
    text = b"".join(chain.link(bags.CUSTODY)).replace(b"captured", b"released")
    verification = verify(bags.changed(sound, lambda members: _rewritten(members, {layout.CUSTODY: text})))
    assert verification.custody == "broken: line 3 of the chain does not follow from the line before"
    assert layout.CUSTODY in {problem.path for problem in verification.problems}


def test_hostile_custody_and_collection_do_not_crash(sound: Path) -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    verification = verify(bags.changed(sound, lambda members: _rewritten(members, {layout.CUSTODY: deep + b"\n"})))
    assert verification.custody == "broken: line 1 of the chain is not JSON"
    found = problems(bags.changed(sound, _extra(f"{bags.NAME}/data/{layout.COLLECTION}", content=deep)))
    assert "not a collection record" in found["data/collection.json"]


def test_a_payload_file_changed_with_its_manifest_is_found_by_the_tagmanifest(sound: Path) -> None:
    def change(members: Tar) -> None:
        info, content = members[0]
        members[0] = (info, b"all quiet\n")
        old, new = digest.of_bytes(content), digest.of_bytes(b"all quiet\n")
        members[:] = [(info, text.replace(old.encode(), new.encode())) for info, text in members]

    found = problems(bags.changed(sound, change))
    assert found[layout.MANIFEST] == ["changed: its SHA-256 is not the one in tagmanifest-sha256.txt"]
    assert "data/logs/app.log" not in found


def test_lines_of_a_manifest_in_another_form_are_named(sound: Path) -> None:
    def change(members: Tar) -> Tar:
        texts = {info.name.partition("/")[2]: content for info, content in members}
        lines = texts[layout.MANIFEST].splitlines(keepends=True)
        return _rewritten(members, {layout.MANIFEST: b"".join(reversed(lines))})

    assert problems(bags.changed(sound, change))[layout.MANIFEST][0].startswith("not in the form irkit writes")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (layout.BAGIT, b"BagIt-Version: 0.97\n", "not the declaration of BagIt 1.0 in UTF-8"),
        (layout.INFO, b"Case: x\n", "has no Sealed-At"),
        (layout.INFO, b"Sealed-At: yesterday\n", "has no Sealed-At"),
    ],
)
def test_tag_files_that_say_something_else(sound: Path, name: str, text: bytes, problem: str) -> None:
    assert problems(bags.changed(sound, lambda members: _rewritten(members, {name: text})))[name] == [problem]


def test_a_damaged_frame_does_not_hide_what_follows(large: Path, tmp_path: Path) -> None:
    whole = bytearray(large.read_bytes())
    whole[len(whole) // 2] ^= 1
    copy = tmp_path / large.name
    copy.write_bytes(whole)
    found = problems(copy)
    assert "is damaged" in found[large.name][0]
    assert found["data/logs/app.log"] == ["changed: its SHA-256 is not the one in manifest-sha256.txt"]
    assert len(found) == 2


def test_a_bundle_packed_again_by_another_gzip_is_named(sound: Path, tmp_path: Path) -> None:
    copy = tmp_path / sound.name
    copy.write_bytes(gzip.compress(bags.plain(sound)))
    assert "packed again by another tool" in problems(copy)[sound.name][0]


@pytest.mark.parametrize("content", [b"", b"not a bundle", bytes(10240), b"\x1f\x8b"])
def test_what_is_no_bundle_is_not_ok(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    assert not verify(path).ok
    path.write_bytes(b"".join(frames.compress([content])))
    assert not verify(path).ok


def test_a_bomb_is_not_inflated(tmp_path: Path) -> None:
    import struct
    import zlib

    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(bytes(100 << 20)) + bomb.flush()
    head = frames._HEADER.pack(frames._FIXED, len(packed), zlib.crc32(packed))
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(head + packed + struct.pack("<II", 0, 1 << 20))
    assert "is damaged" in verify(path).problems[0].problem


def test_huge_sizes_and_foreign_headers_end_the_reading(sound: Path, tmp_path: Path) -> None:
    start = bytearray(bags.plain(sound)[:512])
    for patch in (b"\x80" + b"\xff" * 11, b"77777777777\0", b"\xff" * 12, b"notoctal...\0"):
        info = bytearray(start)
        info[124:136] = patch
        info[148:156] = b" " * 8
        info[148:156] = b"%06o\0 " % sum(info)
        path = tmp_path / "huge.tar.gz"
        path.write_bytes(b"".join(frames.compress([bytes(info) + bytes(20000)])))
        assert not verify(path).ok


@pytest.mark.parametrize(
    "body", [b"99999999 path=x\n", b"12 size=abc\n", b"11 size=-1\n", b"nonsense", b"9 path=\xff\n"]
)
def test_strange_pax_records_are_named(tmp_path: Path, body: bytes) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, len(body)
        tar.addfile(info, io.BytesIO(body))
        tar.addfile(tarfile.TarInfo("b/data/x"))
    path = tmp_path / "pax.tar.gz"
    path.write_bytes(b"".join(frames.compress([raw.getvalue()])))
    assert not verify(path).ok


def test_an_oversized_pax_header_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    path = tmp_path / "pax.tar.gz"
    path.write_bytes(b"".join(frames.compress([info.tobuf(), bytes(1 << 20)])))
    assert "extended header of 1073741824 bytes" in verify(path).problems[0].problem


def test_many_problems_are_told_up_to_a_thousand(tmp_path: Path, sound: Path) -> None:
    def change(members: Tar) -> Tar:
        return [members[0]] * 1500

    assert len(verify(bags.changed(sound, change)).problems) == 1000


def test_a_tag_file_beyond_all_measure_is_not_held_in_memory(sound: Path) -> None:
    found = problems(bags.changed(sound, lambda members: _rewritten(members, {layout.CUSTODY: bytes(33 << 20)})))
    assert "larger than 32 MiB: not read" in found[layout.CUSTODY]
