"""Names and contents that an attacker chose: nothing escapes, nothing crashes, all of it is kept as it was."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from irkit.bundle import layout
from irkit.bundle.reader import cat, names
from irkit.bundle.recipients import confide
from irkit.bundle.recipients.unseal import unseal
from irkit.bundle.seal import seal
from irkit.bundle.verify import verify
from irkit.errors import BundleError
from irkit.model.run import Operator
from irkit.times import now
from tests.bundle import bags
from tests.bundle.conftest import Irkit

NASTY = [
    "\x1b[2J",
    "\u202egnp.exe",
    "a\nb",
    "a\r",
    "%0A",
    "100%",
    "back\\slash",
    "=1+1",
    "-rf",
    " ",
    "\ufeff",
    "\u200b",
]
PART = st.one_of(
    st.sampled_from([*NASTY, "n" * 255, "é" * 127, "...", "~", "$(id)", "<script>"]),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40),
).filter(lambda part: part not in (".", "..") and len(os.fsencode(part)) <= 255)
FILES = st.dictionaries(PART, st.binary(max_size=300), min_size=1, max_size=5)


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@settings(max_examples=60)
@given(FILES, PART)
@example({name: b"x" for name in NASTY}, "n" * 255)
def test_any_name_is_sealed_verified_and_read_back(files: dict[str, bytes], folder: str) -> None:
    inside = {f"{folder}/{name}": content for name, content in files.items()}
    with scratch() as root:
        sealed = bags.bundle(root, inside)
        found = verify(sealed.path)
        assert found.problems == ()
        assert found.files == len(inside)
        for name, content in inside.items():
            assert f"data/{name}" in set(names(sealed.path))
            assert b"".join(cat(sealed.path, f"data/{name}")) == content
        subprocess.run(["tar", "xzf", sealed.path, "-C", root], check=True, env=os.environ | {"LC_ALL": "C.UTF-8"})
        for name, content in inside.items():
            assert (root / bags.NAME / "data" / name).read_bytes() == content


@settings(max_examples=40)
@given(FILES, PART)
@example({"n" * 255: b"long", "é" * 127: b"wide", "\udcff": b"no text", "a\nb": b"lines"}, "\udcfe")
def test_any_name_is_confided_and_opened_again(files: dict[str, bytes], folder: str) -> None:
    identity = pyrage.x25519.Identity.generate()
    with scratch() as root:
        data = bags.stage(root / "data", {f"{folder}/{name}": content for name, content in files.items()})
        (root / "key").write_text(str(identity))
        bags.stage(root / "staged", {})
        sealed = confide.confide(data, root / "staged", [str(identity.to_public())])
        layout.write_sealed(root / "staged", sealed)
        bundle = seal(bags.NAME, root / "staged", root, info={}, custody=bags.CUSTODY, at=bags.AT)
        assert verify(bundle.path).problems == ()
        unsealing = unseal(
            bundle.path, root / "opened", root / "key", reason="x", operator=Operator("a", "b"), clock=now
        )
        opened = {one.member: one.path.read_bytes() for one in unsealing.opened}
        assert sorted(opened.values()) == sorted(files.values())
        assert all(path.resolve().is_relative_to(root / "opened") for path in (one.path for one in unsealing.opened))


def test_a_name_that_is_no_text_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not UTF-8") as caught:
        bags.bundle(tmp_path, {"\udcff": b"x"})
    assert caught.value.hint


def test_names_reach_no_terminal_as_they_are(irkit: Irkit, tmp_path: Path) -> None:
    sealed = bags.bundle(tmp_path, {name: b"x" for name in NASTY})
    for shown in (irkit("bundle", "ls", sealed.path), irkit("bundle", "verify", sealed.path)):
        assert not set(shown.stdout) & set("\x1b\r\u202e\u200b\ufeff")
    listed = json.loads(irkit("bundle", "ls", sealed.path, "-o", "json").stdout)
    assert "data/\u202egnp.exe" in listed


def test_a_name_is_one_line_and_cannot_pass_for_a_verdict(irkit: Irkit, tmp_path: Path) -> None:
    forged = f"x\n{bags.NAME}.tar.gz: intact, 9 files"
    old, new = (bags.bundle(tmp_path / each, {forged: each.encode() * 9}).path for each in ("a", "b"))
    shown = irkit("bundle", "ls", old).stdout + irkit("bundle", "diff", old, new).stdout
    bad = bags.changed(old, lambda members: [one for one in members if "manifest" not in one[0].name])
    shown += irkit("bundle", "verify", bad, code=5).stdout
    assert shown.count(r"x\x0a") >= 2
    assert not [line for line in shown.splitlines() if line.startswith(bags.NAME)]


ESCAPING = ["../../evil", "/etc/evil", "data/../../evil", "data/sealed/../../evil.age", "data/sealed//evil.age"]


@pytest.mark.parametrize("name", [*ESCAPING, "data/sealed/..", "data/sealed/../evil.age", "data/sealed/nul\0.age"])
def test_a_forged_name_leads_nowhere(irkit: Irkit, tmp_path: Path, name: str) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    members = bags.opened(bags.bundle(tmp_path / "a" / "b").path)
    info = tarfile.TarInfo(f"{bags.NAME}/{name}")
    info.mtime = members[0][0].mtime
    text = io.BytesIO()
    pyrage.encrypt_io(io.BytesIO(b"evil"), text, [identity.to_public()])
    path = bags.packed(tmp_path / "forged.tar.gz", [(info, text.getvalue()), *members])
    assert not verify(path).ok
    before = sorted(tmp_path.rglob("*"))
    irkit("bundle", "verify", path, code=5)
    ended = irkit("bundle", "ls", path) if "\0" not in name else None
    assert ended is None or "evil" in ended.stdout or ".." in ended.stdout
    with pytest.raises(BundleError):
        unseal(path, tmp_path / "o" / "p", tmp_path / "key", reason="x", operator=Operator("a", "b"), clock=now)
    left = [one for one in sorted(tmp_path.rglob("*")) if one not in before]
    assert {one.name for one in left} <= {"o", "p", "forged.tar.gz.custody.jsonl"}


@pytest.mark.parametrize("target", ["/etc/passwd", "../key"])
def test_a_link_in_the_sealed_part_is_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "key").write_text(str(pyrage.x25519.Identity.generate()))
    members = bags.opened(bags.bundle(tmp_path).path)
    info = tarfile.TarInfo(f"{bags.NAME}/data/sealed/x.age")
    info.type, info.linkname, info.mtime = tarfile.SYMTYPE, target, members[0][0].mtime
    path = bags.packed(tmp_path / "forged.tar.gz", [(info, b""), *members])
    assert "is a symbolic link, not a plain file" in {problem.problem for problem in verify(path).problems}
    with pytest.raises(Exception, match="does not open|damaged"):
        unseal(path, tmp_path / "o", tmp_path / "key", reason="x", operator=Operator("a", "b"), clock=now)
    assert list((tmp_path / "o").iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"\x1b]0;owned\x07\x1b[31m",
        b"<script>alert(1)</script>",
        b"=cmd|' /C calc'!A0",
        b"\xff\xfe\x00\x80",
        b"A" * (8 << 20),
    ],
)
def test_contents_are_kept_byte_for_byte(irkit: Irkit, tmp_path: Path, content: bytes) -> None:
    sealed = bags.bundle(tmp_path, {"logs/app.log": content})
    assert verify(sealed.path).ok
    assert irkit("bundle", "cat", sealed.path, "data/logs/app.log", "--raw").stdout_bytes == content


def test_what_irkit_would_take_for_its_own_is_refused(irkit: Irkit, tmp_path: Path) -> None:
    bags.stage(tmp_path / "taken", {"collection.json": b"[]"})
    assert "irkit's own" in irkit("bundle", "seal", "taken", code=2).stderr
    bags.stage(tmp_path / "fine", {"a": b"x"})
    assert "into itself" in irkit("bundle", "seal", "fine", "--out", "fine/out", code=2).stderr
    assert "not a folder" in irkit("bundle", "seal", "absent", code=2).stderr
