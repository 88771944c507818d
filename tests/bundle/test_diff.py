"""What changed between two bundles of one pod."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from irkit.bundle.diff import Difference, Kind, diff
from irkit.errors import BundleError, VerificationError
from tests.bundle import bags

POD = {"kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {"containers": [{"image": "a"}]}}
LATER = {
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"irkit.dev/quarantine": "u"}},
    "spec": {"containers": [{"image": "b"}, {"image": "c"}], "nodeName": None},
}


def sealed(folder: Path, files: dict[str, bytes]) -> Path:
    return bags.bundle(folder, files).path


def test_files_and_pointers_that_changed(tmp_path: Path) -> None:
    old = {
        "pod/pod.json": json.dumps(POD).encode(),
        "logs/app.log": b"one\n",
        "gone": b"x",
        "same": b"s",
        "bad.json": b"{",
    }
    new = {
        "pod/pod.json": json.dumps(LATER).encode(),
        "logs/app.log": b"one\ntwo\n",
        "new": b"",
        "same": b"s",
        "bad.json": b"[",
    }
    assert diff(sealed(tmp_path / "a", old), sealed(tmp_path / "b", new)) == (
        Difference("data/bad.json", Kind.CHANGED, 1, 1),
        Difference("data/gone", Kind.REMOVED, 1, None),
        Difference("data/logs/app.log", Kind.CHANGED, 4, 8),
        Difference("data/new", Kind.ADDED, None, 0),
        Difference(
            "data/pod/pod.json",
            Kind.CHANGED,
            len(old["pod/pod.json"]),
            len(new["pod/pod.json"]),
            (
                "removed /metadata/labels/app",
                "added /metadata/labels/irkit.dev~1quarantine",
                "changed /spec/containers/0/image",
                "added /spec/containers/1",
                "added /spec/nodeName",
            ),
        ),
    )


def test_a_bundle_and_itself_do_not_differ(tmp_path: Path) -> None:
    path = bags.bundle(tmp_path).path
    assert diff(path, path) == ()


@pytest.mark.parametrize(
    ("old", "new", "pointers"),
    [
        (b"1", b"true", ("changed (all)",)),
        (b"1", b"1.0", ("changed (all)",)),
        (b'{"a":[]}', b'{"a":{}}', ("changed /a",)),
        (b'{"a":1}', b'{"a": 1}', ()),
        (b"[" * 100_000, b"[]", ()),
        (json.dumps(list(range(500))).encode(), b"[]", tuple(f"removed /{n}" for n in range(200))),
        (b'"' + b"x" * (4 << 20) + b'"', b'"y"', ()),
    ],
)
def test_json_of_any_shape(tmp_path: Path, old: bytes, new: bytes, pointers: tuple[str, ...]) -> None:
    (found,) = diff(sealed(tmp_path / "a", {"x.json": old}), sealed(tmp_path / "b", {"x.json": new}))
    assert found.pointers == pointers


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = bags.bundle(tmp_path).path
    with pytest.raises(BundleError, match="cannot read"):
        diff(path, tmp_path / "absent")
    (tmp_path / "half").write_bytes(path.read_bytes()[:-100])
    with pytest.raises(VerificationError, match="damaged"):
        diff(path, tmp_path / "half")
