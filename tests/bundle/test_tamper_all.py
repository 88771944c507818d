"""Tampering with a bundle that has all that can be had, file by file, line by line: every change is reported.

Of a time stamp and of custody afterwards the promise is another. No change to a time stamp moves the time it tells. A
log that goes on has an end that can be cut off or written anew; then its head is no longer the one that was told.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from irkit.bundle import layout
from irkit.bundle.attest.keys import Signer
from irkit.bundle.verify import verify
from irkit.model.bundle import Verification
from tests.bundle import bags, vouched
from tests.bundle.vouched import Vouched

PROPERTY = settings(max_examples=200)
WHERE = st.floats(0, 1, exclude_max=True)
BYTES = st.one_of(
    st.tuples(st.just("flip"), WHERE, st.integers(1, 255)),
    st.tuples(st.just("drop"), WHERE, st.integers(1, 3000)),
    st.tuples(st.just("add"), st.floats(0, 1), st.integers(0, 255)),
    st.tuples(st.just("truncate"), WHERE, st.just(0)),
)
LINES = st.one_of(
    st.tuples(st.just("drop"), WHERE, WHERE),
    st.tuples(st.just("double"), WHERE, WHERE),
    st.tuples(st.just("swap"), WHERE, WHERE),
    st.tuples(st.just("truncate"), WHERE, WHERE),
    st.tuples(st.just("reverse"), WHERE, WHERE),
)


def bytes_changed(whole: bytes, kind: str, where: float, what: int) -> bytes:
    at = int(where * len(whole))
    match kind:
        case "flip":
            return whole[:at] + bytes([whole[at] ^ what]) + whole[at + 1 :]
        case "drop":
            return whole[:at] + whole[at + what :]
        case "add":
            return whole[:at] + bytes([what]) + whole[at:]
        case _:
            return whole[:at]


def lines_changed(lines: list[Any], kind: str, first: float, second: float) -> list[Any]:
    one, other = int(first * len(lines)), int(second * len(lines))
    changed = list(lines)
    match kind:
        case "drop":
            del changed[one]
        case "double":
            changed.insert(other, lines[one])
        case "swap":
            changed[one], changed[other] = changed[other], changed[one]
        case "truncate":
            del changed[one:]
        case _:
            changed.reverse()
    return changed


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, people: dict[str, Signer], tsa: Path) -> Vouched:
    return vouched.made(tmp_path_factory.mktemp("whole"), people, tsa)


@pytest.fixture(scope="module")
def untouched(whole: Vouched) -> Verification:
    found = whole.verify(whole.path)
    assert found.problems == ()
    assert found.ok
    return found


@pytest.fixture
def copy(whole: Vouched, tmp_path: Path) -> Callable[[], Path]:
    """Put the untouched files back into a folder; returns the bundle there."""

    def put_back() -> Path:
        for left in tmp_path.glob("*.tar.gz*"):
            left.unlink()
        for file in whole.files():
            shutil.copy(file, tmp_path)
        return tmp_path / whole.path.name

    return put_back


def reported(found: Verification, untouched: Verification) -> bool:
    """Whether somebody who knows what was told before sees a difference."""
    return not found.ok or found.custody != untouched.custody


def judge(file: Path, found: Verification, untouched: Verification, *, same: bool) -> None:
    if file.name.endswith(".tsr"):
        assert not found.ok or found.timestamp == untouched.timestamp
    elif same:
        assert found == untouched
    else:
        assert reported(found, untouched), file.name
    if not file.name.endswith((".tsr", ".custody.jsonl")):
        assert found.ok == same


@PROPERTY
@given(st.integers(0, 3), BYTES)
@example(0, ("add", 1.0, 0))
@example(1, ("add", 1.0, 10))
@example(3, ("flip", 0.0, 1))
def test_bytes_of_any_file(
    whole: Vouched,
    untouched: Verification,
    copy: Callable[[], Path],
    which: int,
    mutation: tuple[str, float, int],
) -> None:
    bundle = copy()
    file = bundle.parent / whole.files()[which].name
    before = file.read_bytes()
    file.write_bytes(bytes_changed(before, *mutation))
    event(f"{file.suffixes[-2:]} {mutation[0]}")
    judge(file, whole.verify(bundle), untouched, same=file.read_bytes() == before)


@pytest.mark.parametrize("which", range(4))
def test_any_file_beside_it_taken_away_or_swapped(
    whole: Vouched, untouched: Verification, copy: Callable[[], Path], which: int
) -> None:
    bundle = copy()
    file = bundle.parent / whole.files()[which].name
    for other in (bundle.parent / one.name for one in whole.files() if one.name != file.name):
        shutil.copy(other, file)
        found = whole.verify(bundle)
        assert not found.ok, (file.name, other.name)
        copy()
    if file != bundle:
        file.unlink()
        assert reported(whole.verify(bundle), untouched), file.name


MEMBERS = len(vouched.FILES) + 1 + len(layout.ORDER)


@PROPERTY
@given(st.integers(0, MEMBERS - 1), BYTES)
def test_bytes_of_any_member_without_what_stands_beside(
    whole: Vouched, tmp_path: Path, which: int, mutation: tuple[str, float, int]
) -> None:
    members = bags.opened(whole.path)
    info, content = members[which]
    members[which] = (info, bytes_changed(content, *mutation))
    changed = bags.packed(tmp_path / whole.path.name, members)
    assert verify(changed, keys=whole.keys[:2]).ok == (members[which][1] == content)


@PROPERTY
@given(LINES)
def test_members_dropped_doubled_moved_cut_off(
    whole: Vouched, tmp_path: Path, mutation: tuple[str, float, float]
) -> None:
    members = bags.opened(whole.path)
    changed = lines_changed(members, *mutation)
    path = bags.packed(tmp_path / whole.path.name, changed)
    assert verify(path, keys=whole.keys[:2]).ok == (
        [info.name for info, _ in changed] == [info.name for info, _ in members]
    )


@PROPERTY
@given(st.sampled_from(layout.ORDER[1:5]), LINES)
def test_lines_of_custody_and_manifests(
    whole: Vouched, tmp_path: Path, name: str, mutation: tuple[str, float, float]
) -> None:
    members = bags.opened(whole.path)
    at = next(n for n, (info, _) in enumerate(members) if info.name.endswith(f"/{name}"))
    lines = members[at][1].splitlines(keepends=True)
    changed = lines_changed(lines, *mutation)
    members[at] = (members[at][0], b"".join(changed))
    path = bags.packed(tmp_path / whole.path.name, members)
    assert verify(path, keys=whole.keys[:2]).ok == (changed == lines)


@PROPERTY
@given(LINES)
def test_signatures_dropped_doubled_moved(whole: Vouched, tmp_path: Path, mutation: tuple[str, float, float]) -> None:
    members = bags.opened(whole.path)
    info, text = members[-1]
    told = json.loads(text)
    before = told["signatures"]
    told["signatures"] = lines_changed(before, *mutation)
    members[-1] = (info, json.dumps(told, sort_keys=True).encode() + b"\n")
    path = bags.packed(tmp_path / whole.path.name, members)
    for keys in (whole.keys[:2], whole.keys[:1], ()):
        assert verify(path, keys=keys).ok == (told["signatures"] == before)


@PROPERTY
@given(LINES)
def test_lines_of_custody_afterwards(
    whole: Vouched, untouched: Verification, copy: Callable[[], Path], mutation: tuple[str, float, float]
) -> None:
    bundle = copy()
    log = next(bundle.parent.glob("*.custody.jsonl"))
    lines = log.read_bytes().splitlines(keepends=True)
    changed = lines_changed(lines, *mutation)
    log.write_bytes(b"".join(changed))
    found = whole.verify(bundle)
    assert reported(found, untouched) == (changed != lines)
    if changed != lines[: len(changed)]:
        assert not found.ok
