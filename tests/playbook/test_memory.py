"""Journals, what they add up to, and where runs are kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from irkit.errors import IrkitError, JournalError, UsageError, VerificationError
from irkit.model.evidence import Artifact, Gap, GapReason
from irkit.model.isolation import Change
from irkit.model.run import Action, Effect, Operator, Outcome, Status
from irkit.playbook import runs
from irkit.playbook.engine import Settings
from irkit.playbook.journal import log
from irkit.playbook.journal.record import fold

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def begin(journal: log.Journal, run: str = "r-1") -> None:
    journal.append(
        "run.started",
        run=run,
        case="C-1",
        playbook={"name": "p", "sha256": "0" * 64, "text": "", "source": ""},
        inputs={},
        settings=Settings(),
        operator=Operator("me", "here"),
        tool_version="0",
        dry_run=False,
    )


def start(journal: log.Journal, step: str) -> None:
    journal.append("step.started", step=step, uses=f"x.{step}@1", effect=Effect.COLLECT)


def artifact(path: str, sha256: str = "a") -> Artifact:
    return Artifact(path, "pod", sha256, 1, START)


def gap(target: str) -> Gap:
    return Gap("pod", target, GapReason.DENIED, "no")


def test_what_a_journal_adds_up_to(tmp_path: Path) -> None:
    with log.opened(tmp_path, Clock()) as journal:
        begin(journal)
        start(journal, "one")
        journal.append("artifact", step="one", artifact=artifact("a"))
        journal.append("artifact", step="one", artifact=artifact("b"))
        journal.append("gap", step="one", gap=gap("c"))
        record = journal.ledger.record()
        assert [step.status for step in record.steps] == [Status.RUNNING]
        assert record.status is Status.RUNNING
        assert record.gaps == (gap("c"),)

        journal.append("run.resumed", settings=Settings())
        assert journal.ledger.record().gaps == ()
        journal.append("artifact.discarded", step="one", path="b", why="changed")
        journal.append("artifact", step="one", artifact=artifact("a", "b"))
        journal.append("gap", step="one", gap=gap("d"))
        actions = (Action("did it", "undo it"),)
        journal.append("step.ended", step="one", outcome=Outcome(Status.GAPS, "well", {"x": 1}, actions))
        start(journal, "two")
        journal.append("change.intended", step="two", change=Change("create", "Pod", "n", "p", "d", {"k": 1}))
        journal.append("step.ended", step="two", outcome=Outcome(Status.FAILED, "badly", hint="h"))
        journal.append("run.ended", status=journal.ledger.outcome_status())
        journal.append("step.undone", step="two", outcome=Outcome(Status.DONE, "undone"))
        assert [change.kind for change in journal.ledger.attempts["two"].intended] == ["Pod"]
        assert journal.ledger.is_undone("two")
        assert not journal.ledger.is_undone("one")

    record = fold(log.read(tmp_path))
    assert record.artifacts == (artifact("a", "b"),)
    assert record.gaps == (gap("d"),)
    assert [(step.id, step.status) for step in record.steps] == [
        ("one", Status.GAPS),
        ("two", Status.FAILED),
        ("undo-two", Status.DONE),
    ]
    assert record.steps[0].actions == actions
    assert record.steps[1].hint == "h"
    assert record.status is Status.FAILED
    assert record.started < (record.finished or START)
    assert (record.target, record.cluster, record.isolation, record.audit) == (None,) * 4


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        log.opened(tmp_path, Clock()),
        pytest.raises(JournalError, match="another process"),
        log.opened(tmp_path, Clock()),
    ):
        pass
    with log.opened(tmp_path, Clock()) as journal:
        assert journal.records == []
    with pytest.raises(JournalError, match="cannot lock"), log.opened(tmp_path / "absent", Clock()):
        pass


def test_reading_leaves_a_torn_line_out_and_in_place(tmp_path: Path) -> None:
    with log.opened(tmp_path, Clock()) as journal:
        begin(journal)
    path = tmp_path / log.FILE
    torn = path.read_bytes() + b'{"torn'
    path.write_bytes(torn)
    assert len(log.read(tmp_path)) == 1
    assert path.read_bytes() == torn
    with pytest.raises(JournalError, match="cannot read"):
        log.read(tmp_path / "absent")


def test_ids_sort_by_time_and_are_good() -> None:
    ids = [runs.new_id(START + timedelta(seconds=second), bytes([255 - second] * 3)) for second in range(3)]
    assert ids == sorted(ids)
    assert ids[0].startswith("20261123t030000z-")
    assert len({len(one) for one in ids}) == 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for run in ("20261123t030000z-aaaa", "20261124t030000z-bbbb"):
        with log.opened(runs.create(home, run), Clock()) as journal:
            begin(journal, run)
    return home


def test_runs_are_found_by_what_singles_them_out(home: Path) -> None:
    for text in ("20261124t030000z-bbbb", "20261124", "bbbb", "last"):
        assert runs.show(home, text, timeline=False).id == "20261124t030000z-bbbb"
    for text in ("2026", "", "cccc", "../home"):
        with pytest.raises(UsageError):
            runs.locate(home, text)
    assert runs.ids(home / "absent") == []


def test_runs_are_for_the_owner_only(home: Path) -> None:
    assert runs.locate(home, "last").stat().st_mode & 0o777 == 0o700
    assert (home / "runs").stat().st_mode & 0o777 == 0o700


def test_a_bad_or_taken_id_is_refused(home: Path) -> None:
    for bad in ("../x", "A", "", "x" * 64, "20261124t030000z-bbbb"):
        with pytest.raises(UsageError):
            runs.create(home, bad)


def test_a_home_that_cannot_be_is_a_journal_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot make"):
        runs.create(tmp_path / "file", "r-1")


def test_a_broken_run_does_not_hide_the_others(home: Path) -> None:
    path = runs.locate(home, "bbbb") / log.FILE
    line = json.loads(path.read_bytes())
    path.write_bytes(json.dumps(line | {"seq": 5}).encode() + b"\n")
    empty = runs.create(home, "20261125t030000z-cccc")
    newest, middle, oldest = runs.everything(home)
    assert isinstance(newest, runs.Broken)
    assert newest.folder == empty
    assert isinstance(middle, runs.Broken)
    assert isinstance(middle.error, VerificationError)
    assert isinstance(oldest, runs.Run)
    with pytest.raises(IrkitError):
        runs.show(home, "cccc")
