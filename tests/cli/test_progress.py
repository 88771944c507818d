"""What is told while something takes long: on a terminal one line, elsewhere nothing, and never by another thread."""

from __future__ import annotations

import os
import pty
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from irkit.audit.read.blocks import Source
from irkit.audit.read.scan import Piece, Share
from irkit.cli import progress
from irkit.cli.face import Face
from irkit.cli.progress import Lines, reading
from irkit.model.evidence import Artifact
from irkit.model.run import Effect, Status, StepRecord

SOURCE = Source(Path("audit.log"), "audit.log", 4_000_000_000)
PIECES = [Piece(SOURCE, number * 1_000_000_000, (number + 1) * 1_000_000_000) for number in range(4)]
MARK = "<mark>"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """A terminal on stderr; what it gives says what was written to it since."""
    master, slave = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(progress, "_EVERY", 0)
    with os.fdopen(slave, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)

        def written() -> str:
            stderr.write(MARK)
            stderr.flush()
            told = ""
            while not told.endswith(MARK):
                told += os.read(master, 1000).decode()
            return told.removesuffix(MARK)

        yield written
    os.close(master)


def counting(threads: list[int]) -> Share:
    """Who reads alone, and notes how many threads there are."""

    def share(work: Callable[[Piece], int], units: Iterable[Piece], /) -> Iterator[int]:
        for unit in units:
            threads.append(threading.active_count())
            yield work(unit)

    return share  # type: ignore[return-value]


def start(piece: Piece) -> int:
    return piece.start


def test_a_long_reading_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SILENT", -1)
    threads: list[int] = []
    before = threading.active_count()
    with terminal(monkeypatch) as written:
        found = reading(Face(), counting(threads))(start, PIECES)
        assert [next(found), next(found)] == [0, 1_000_000_000]
        assert "read 25% of 4.0 GB, 0 s left" in written()
        assert list(found) == [2_000_000_000, 3_000_000_000]
        assert written().endswith("\x1b[2K")
    assert set(threads) == {before}


@pytest.mark.parametrize(("silent", "quiet"), [(60, False), (-1, True)], ids=["short", "quiet"])
def test_nothing_is_told_of_a_short_one_nor_to_who_wants_quiet(
    monkeypatch: pytest.MonkeyPatch, silent: float, quiet: bool
) -> None:
    monkeypatch.setattr(progress, "_SILENT", silent)
    with terminal(monkeypatch) as written:
        assert list(reading(Face(quiet=quiet), counting([]))(start, PIECES)) == [piece.start for piece in PIECES]
        assert written() == ""


def test_nothing_is_told_where_no_terminal_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_SILENT", -1)
    assert list(reading(Face(), counting([]))(start, PIECES)) == [piece.start for piece in PIECES]
    assert capsys.readouterr() == ("", "")


def test_a_step_is_told_while_it_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    before, step = threading.active_count(), StepRecord("capture", "capture@1", Effect.READ, Status.DONE, "", NOW)
    with terminal(monkeypatch) as written:
        lines = Lines(Face())
        lines.step_started(step)
        assert "capture ..." in written()
        lines.item("capture", Artifact("logs/app.log", "pod.logs", "0" * 64, 1, NOW))
        assert "capture ... pod.logs 1" in written()
        assert threading.active_count() == before
        lines.step_ended(step)
        assert "done       capture" in written()
