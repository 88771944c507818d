"""What only the file has to promise."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from irkit import times
from irkit.triggers.queue.opening import opened
from irkit.triggers.queue.protocol import Fate, QueueError
from irkit.triggers.queue.sql import SqlQueue
from irkit.triggers.queue.sqlite import SqliteDoor
from tests.triggers.queue.hands import LEASE, item, put, take


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """No file may grow beyond `most` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    store = opened(f"sqlite://{tmp_path}/new/queue.db")
    put(store.queue, "k")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}
    store.close()


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    door = SqliteDoor(tmp_path / "queue.db", times.now)
    with door.reading() as found:
        assert found.rows("PRAGMA synchronous") == [(2,)]  # FULL
        assert found.rows("PRAGMA journal_mode") == [("wal",)]
    door.close()


def test_nobody_reads_all_jobs_to_find_one(tmp_path: Path) -> None:
    door, said = SqliteDoor(tmp_path / "queue.db", times.now), list[str]()
    with door.reading() as found:
        found.connection.set_trace_callback(said.append)
    queue = SqlQueue(door)
    assert [put(queue, key, group="pod").fate for key in "aab"] == [Fate.NEW, Fate.DUPLICATE, Fate.COALESCED]
    queue.fail(queue.beat(take(queue), LEASE), "why", timedelta(0))
    queue.done(take(queue))
    queue.put([replace(item("c"), dead="why")])
    with door.reading() as found:
        found.connection.set_trace_callback(None)
        asked = [statement for statement in said if statement.startswith(("SELECT", "UPDATE"))]
        plans = {statement: found.rows(f"EXPLAIN QUERY PLAN {statement}") for statement in asked}
    door.close()
    assert len(plans) > 8
    assert not [plan for plan in plans.values() if any(step[3].startswith("SCAN") for step in plan)]


def test_a_full_disk_is_said_and_survived(tmp_path: Path) -> None:
    store = opened(f"sqlite://{tmp_path}/queue.db")
    put(store.queue, "first")
    with full_disk(1 << 20), pytest.raises(QueueError, match="refuses"):
        put(store.queue, "big", body=b"x" * (2 << 20))
    assert put(store.queue, "first").fate is Fate.DUPLICATE
    assert put(store.queue, "big").new
    store.close()


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to be looked at " * 20)
    for path in (tmp_path, tmp_path / "text"):
        with pytest.raises(QueueError):
            opened(f"sqlite://{path}")


def test_another_process_that_holds_it_is_waited_for_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irkit.triggers.queue.sqlite.PATIENCE", 0.05)
    holder, other = (SqliteDoor(tmp_path / "queue.db", times.now) for _ in "12")
    with holder.writing(), pytest.raises(QueueError, match="locked"):
        put(SqlQueue(other), "k")
    assert put(SqlQueue(other), "k").new
    holder.close()
    other.close()
