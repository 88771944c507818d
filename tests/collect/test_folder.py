from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from irkit.cluster.protocol import Reply
from irkit.collect.folder import Folder
from irkit.collect.gaps import Unfit
from irkit.collect.piece import Piece
from irkit.errors import NotFound, PodReplaced, Unreachable
from irkit.model.evidence import Artifact, Call, Gap, GapReason

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CALL = Call("GET", "/it", 200, AT, 0.1)
LOG = Piece("logs", "logs/app.current.log", "current log of container app")
LIST = Piece("events", "events/events.json", "events")


class Bytes:
    """A stream that ends, or breaks."""

    call = CALL

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self.chunks, self.error = chunks, error

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.error:
            raise self.error

    @contextmanager
    def opened(self) -> Iterator[Bytes]:
        yield self


def folder(root: Path, **more: Artifact) -> Folder:
    return Folder(root, held={each.path: each for each in more.values()}, clock=lambda: AT)


def take(into: Folder, stream: Bytes) -> list[Artifact | Gap]:
    return list(into.stream(LOG, stream.opened, proof=lambda _: None))


def artifact(data: bytes, *, truncated: bool = False) -> Artifact:
    return Artifact(LOG.path, "logs", hashlib.sha256(data).hexdigest(), len(data), AT, CALL, truncated, LOG.about)


def put(root: Path, data: bytes, suffix: str = "") -> Path:
    path = root / (LOG.path + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_stream_becomes_an_artifact(tmp_path: Path) -> None:
    assert take(folder(tmp_path), Bytes(b"one ", b"two")) == [artifact(b"one two")]


def test_an_empty_stream_is_an_empty_artifact(tmp_path: Path) -> None:
    assert take(folder(tmp_path), Bytes()) == [artifact(b"")]


def test_what_is_held_is_not_taken_again(tmp_path: Path) -> None:
    held = artifact(b"before")
    assert take(folder(tmp_path, held=held), Bytes(error=AssertionError("asked again"))) == [held]


def test_what_is_held_in_part_is_taken_again(tmp_path: Path) -> None:
    put(tmp_path, b"bef")
    held = artifact(b"bef", truncated=True)
    assert take(folder(tmp_path, held=held), Bytes(b"before")) == [artifact(b"before")]


def test_a_shorter_second_part_does_not_replace_the_first(tmp_path: Path) -> None:
    put(tmp_path, b"bef")
    held = artifact(b"bef", truncated=True)
    found = take(folder(tmp_path, held=held), Bytes(b"b", error=Unreachable("cut")))
    assert found[0] == held
    assert isinstance(found[1], Gap)
    assert found[1].detail == "cut; the first 3 bytes are there"
    assert (tmp_path / LOG.path).read_bytes() == b"bef"
    assert not list(tmp_path.rglob("*.part"))


def test_a_longer_second_part_replaces_the_first(tmp_path: Path) -> None:
    put(tmp_path, b"b")
    found = take(folder(tmp_path, held=artifact(b"b", truncated=True)), Bytes(b"bef", error=Unreachable("cut")))
    assert found[0] == artifact(b"bef", truncated=True)


@pytest.mark.parametrize(("suffix", "truncated"), [("", False), (".part", True)])
def test_what_a_killed_run_left_is_not_lost(tmp_path: Path, suffix: str, truncated: bool) -> None:
    """The file was finished, or half-written, when the kill came; nobody had written down that it is there."""
    put(tmp_path, b"left", suffix)
    gone = Bytes()

    @contextmanager
    def opened() -> Iterator[Bytes]:
        raise NotFound("gone")
        yield gone  # type: ignore[unreachable]

    found = list(folder(tmp_path).stream(LOG, opened, proof=lambda _: None))
    assert isinstance(found[0], Artifact)
    assert (found[0].size, found[0].truncated, found[0].source) == (4, truncated, None)
    assert isinstance(found[1], Gap)
    assert found[1].reason is GapReason.ABSENT
    assert (tmp_path / LOG.path).read_bytes() == b"left"


def test_bytes_without_proof_never_reach_the_disk(tmp_path: Path) -> None:
    def proof(first: bytes) -> None:
        raise PodReplaced("another pod")

    found = list(folder(tmp_path).stream(LOG, Bytes(b"of the successor").opened, proof=proof))
    assert [each.reason for each in found if isinstance(each, Gap)] == [GapReason.REPLACED]
    assert not (tmp_path / "logs").exists()


def test_the_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    found = take(folder(tmp_path), Bytes(b"data"))
    assert [each.reason for each in found if isinstance(each, Gap)] == [GapReason.FAILED]
    assert len(found) == 1


FULL = """
import json, resource, signal, sys
from contextlib import contextmanager
from pathlib import Path
from irkit.collect.folder import Folder
from tests.collect.test_folder import LOG, Bytes
from irkit.model.codec import plain
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
found = list(Folder(Path(sys.argv[1])).stream(LOG, Bytes(*[b"x" * 60_000] * 9).opened, proof=lambda _: None))
print(json.dumps([plain(each) for each in found]))
"""


def test_a_disk_that_takes_no_more_keeps_what_it_took(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path], check=True, capture_output=True)
    kept, gap = json.loads(done.stdout)
    assert (kept["truncated"], kept["size"]) == (True, (tmp_path / LOG.path).stat().st_size)
    assert kept["size"] > 0
    assert gap["reason"] == "failed"
    assert "the disk refused" in gap["detail"]
    assert "disk" in gap["remedy"]


KILLED = """
import os, signal, sys
from pathlib import Path
from irkit.collect.folder import Folder
from tests.collect.test_folder import LOG, Bytes
class Deadly(Bytes):
    def __iter__(self):
        yield b"x" * (1 << 20)
        yield b"y" * (1 << 20)
        os.kill(os.getpid(), signal.SIGKILL)
list(Folder(Path(sys.argv[1])).stream(LOG, Deadly().opened, proof=lambda _: None))
"""


def test_killed_half_way_the_part_is_there_for_the_next_run(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / LOG.path).exists()

    @contextmanager
    def gone() -> Iterator[Bytes]:
        raise NotFound("gone")
        yield Bytes()  # type: ignore[unreachable]

    found = list(folder(tmp_path).stream(LOG, gone, proof=lambda _: None))
    assert isinstance(found[0], Artifact)
    assert found[0].truncated
    assert found[0].size >= 1 << 20


def page(name: str, *, more: bool = False, consistent: bool = True) -> Reply:
    metadata = {"continue": "token"} if more else {}
    body = json.dumps({"metadata": metadata, "items": [{"metadata": {"name": name}}]}).encode()
    return Reply(CALL, body, consistent)


def names(into: Folder) -> list[str]:
    return [item["metadata"]["name"] for item in into.items(LIST)]


def test_each_page_of_a_list_is_a_file(tmp_path: Path) -> None:
    pages = [page("a", more=True), page("b", more=True), page("c")]
    found = list(folder(tmp_path).pages(LIST, lambda: iter(pages)))
    paths = ["events/events.json", "events/events.page-2.json", "events/events.page-3.json"]
    assert [each.path for each in found if isinstance(each, Artifact)] == paths
    assert (tmp_path / paths[1]).read_bytes() == pages[1].body
    assert names(folder(tmp_path)) == ["a", "b", "c"]


def test_a_list_that_changed_while_it_was_read_says_so(tmp_path: Path) -> None:
    pages = [page("a", more=True), page("b", consistent=False)]
    *_, last = folder(tmp_path).pages(LIST, lambda: iter(pages))
    assert isinstance(last, Gap)
    assert (last.reason, last.detail.startswith("the list changed")) == (GapReason.INVALID, True)


def test_a_list_that_breaks_keeps_its_pages(tmp_path: Path) -> None:
    def broken() -> Iterator[Reply]:
        yield page("a", more=True)
        raise Unreachable("cut")

    first, last = folder(tmp_path).pages(LIST, broken)
    assert isinstance(first, Artifact)
    assert isinstance(last, Gap)
    assert last.reason is GapReason.UNREACHABLE


def test_a_list_held_whole_is_not_taken_again(tmp_path: Path) -> None:
    pages = [page("a", more=True), page("b")]
    held = [each for each in folder(tmp_path).pages(LIST, lambda: iter(pages)) if isinstance(each, Artifact)]

    def asked_again() -> Iterator[Reply]:
        raise AssertionError("asked again")

    both = Folder(tmp_path, held={each.path: each for each in held})
    assert list(both.pages(LIST, asked_again)) == held


def test_a_list_held_in_part_is_taken_again_whole(tmp_path: Path) -> None:
    pages = [page("a", more=True), page("b")]
    first, _ = folder(tmp_path).pages(LIST, lambda: iter(pages))
    assert isinstance(first, Artifact)
    again = [page("x", more=True), page("y")]
    found = list(folder(tmp_path, first=first).pages(LIST, lambda: iter(again)))
    assert len(found) == 2
    assert names(folder(tmp_path)) == ["x", "y"]


def test_a_page_left_by_an_earlier_longer_list_is_not_read(tmp_path: Path) -> None:
    list(folder(tmp_path).pages(LIST, lambda: iter([page("a", more=True), page("b", more=True), page("c")])))
    list(folder(tmp_path).pages(LIST, lambda: iter([page("x", more=True), page("y")])))
    assert names(folder(tmp_path)) == ["x", "y"]


@pytest.mark.parametrize("data", [b"[1, 2]", b"{", b"[" * 100_000, b"\xff"])
def test_a_piece_that_is_not_a_json_object_is_unfit(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, data)
    with pytest.raises(Unfit, match="not a JSON object"):
        folder(tmp_path).json(LOG)
