"""A scan by way of the queue says, byte for byte, what the same scan says on this machine, or names what it lacks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from irkit.audit.afar.reader import NotHere, Reader
from irkit.audit.afar.unit import Unit, units
from irkit.audit.afar.wire import decode, encode, pack, unpack
from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.detect import Report, detect, watch
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.read import scan
from irkit.audit.read.scan import Share, pieces, spread
from irkit.audit.read.sources import Sources
from irkit.audit.read.window import Window
from irkit.audit.search import search
from irkit.audit.told import proven
from irkit.errors import UsageError
from irkit.model import codec
from irkit.model.evidence import GapReason
from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import Item, LeaseLost, State
from irkit.triggers.scan import asker
from irkit.triggers.scan.asker import Asker
from irkit.triggers.scan.hand import reading
from irkit.triggers.scan.parts import KIND, Parts
from tests.audit.detect.cases import ATTACKS
from tests.audit.logs import TARGET, Event, event, log
from tests.triggers.queue.hands import Turned
from tests.waiting import until

T = TypeVar("T")
EVENTS: list[Event | bytes] = [one for logs in ATTACKS.values() for events in logs for one in events]


@pytest.fixture
def store(address: str) -> Iterator[Opened]:
    """A queue by the time of day: other processes work at it."""
    made = opened(address)
    yield made
    made.close()


@pytest.fixture
def audit_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some twenty pieces."""
    monkeypatch.setattr(scan, "PIECE", 5_003)
    hostile = event(name="x\ud800y", sub="exec", code=101)
    return log(tmp_path / "audit.log", [*EVENTS, b"torn\n", hostile, *EVENTS])


@contextmanager
def started(role: str, address: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.triggers.queue.scan.worker", role, address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def asked(deed: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """The deed goes on beside the block; calling what is given waits for its end."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(deed)
        yield lambda: future.result(timeout=60)


def waiting(store: Opened) -> None:
    until(lambda: store.desk.counts()[State.WAITING], "another thread puts the pieces")


def found(path: Path, share: Share = spread) -> tuple[bytes, bytes]:
    """Everything that a scan of either kind says."""
    report = detect([str(path)], share=share)
    search_of = search([str(path)], TARGET, share=share)
    matches = b"".join(map(proven, search_of))
    return codec.compact(report), matches + codec.compact([search_of.summary(), search_of.gaps, search_of.unknown])


def test_three_workers_of_which_one_is_killed_say_what_one_machine_says(
    store: Opened, address: str, audit_log: Path
) -> None:
    expected = found(audit_log)
    with (
        started("stall", address) as victim,
        asked(lambda: found(audit_log, Asker(Parts(store.door)))) as answer,
    ):
        assert victim.stdout
        assert victim.stdout.readline() == "taken\n"
        with started("read", address), started("read", address):
            victim.kill()
            assert answer() == expected
    assert not any(store.desk.counts().values())
    with store.door.reading() as rows:
        assert rows.rows("SELECT count(*) FROM irkit_part")[0][0] == 0


@pytest.mark.parametrize("change", ["another", "shorter", "none"])
def test_a_file_that_is_not_the_one_meant_is_a_gap_and_never_a_result(
    store: Opened, audit_log: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irkit.triggers.scan.hand.AGAIN", timedelta(0))
    other = log(audit_log.parent / "other.log", [event(sub="exec", code=101, name=f"w{n}") for n in range(900)])
    kept = audit_log.read_bytes()
    ask: Callable[[], Report] = lambda: detect([str(audit_log)], share=Asker(Parts(store.door)))  # noqa: E731
    with asked(ask) as answer:
        waiting(store)
        audit_log.unlink()
        if change == "another":
            audit_log.write_bytes(other.read_bytes().ljust(len(kept), b" "))
        elif change == "shorter":
            audit_log.write_bytes(kept[:-1])
        with reading(store):
            report = answer()
    (gap,) = report.coverage.gaps
    assert (report.events, report.findings, gap.reason) == (0, (), GapReason.TRUNCATED)
    assert ("cannot read" if change == "none" else "has another file under the name") in gap.detail
    assert str(audit_log) in gap.target
    assert gap.remedy == asker.REMEDY


def test_without_workers_the_asker_gives_up_and_says_so(
    store: Opened, audit_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asker, "PATIENCE", 0.1)
    report = detect([str(audit_log)], share=Asker(Parts(store.door)))
    assert [gap.detail for gap in report.coverage.gaps] == ["no worker took it"]
    assert not any(store.desk.counts().values())


def test_a_log_that_grows_meanwhile_is_read_as_far_as_it_was(store: Opened, audit_log: Path) -> None:
    expected = detect([str(audit_log)])
    ask: Callable[[], Report] = lambda: detect([str(audit_log)], share=Asker(Parts(store.door)))  # noqa: E731
    with asked(ask) as answer:
        waiting(store)
        with audit_log.open("ab") as more:
            more.write(b"torn\n")
        with reading(store):
            assert answer() == expected


def test_what_other_machines_cannot_reach_is_refused(audit_log: Path, store: Opened) -> None:
    sources = Sources([str(audit_log)])
    (source,) = sources.readable
    for label in ("-", "node-logs:///kube-apiserver/audit.log"):
        elsewhere = Sources([str(audit_log)]).readable[0].__class__(audit_log, label, source.size)
        with pytest.raises(UsageError, match="cannot be read by other machines"):
            list(Asker(Parts(store.door))(Watch(Allow(), Window()), pieces(elsewhere, 0, elsewhere.size)))


def test_a_file_that_is_gone_before_it_is_asked_for_is_a_gap(
    store: Opened, audit_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irkit.triggers.scan.hand.AGAIN", timedelta(0))
    sources = Sources([str(audit_log)])
    audit_log.unlink()
    with reading(store):
        tally, coverage = watch(sources, Watch(Allow(), Window()), Asker(Parts(store.door)))
    assert (tally.seen, ["cannot read" in gap.detail for gap in coverage.gaps]) == ({}, [True])


def test_a_worker_of_another_version_refuses(audit_log: Path) -> None:
    (source,) = Sources([str(audit_log)]).readable
    unit = decode(Unit, next(units(Watch(Allow(), Window()), pieces(source, 0, source.size), {})))
    older = {name: getattr(unit, name) for name in Unit.__slots__} | {"version": "0.0.1"}
    with pytest.raises(NotHere, match="asked by 0.0.1"):
        Reader().answer(encode(Unit(**older)))


def test_who_lost_the_lease_keeps_nothing(address: str) -> None:
    clock = Turned()
    store = opened(address, clock)
    parts = Parts(store.door)
    parts.put("abc", [(0, b"unit")])
    stale = store.queue.take("slow", timedelta(seconds=1), (KIND,))
    clock.turn(timedelta(seconds=2))
    heir = store.queue.take("heir", timedelta(seconds=1), (KIND,))
    assert stale
    assert heir
    with pytest.raises(LeaseLost):
        parts.keep(stale, b"stale")
    parts.keep(heir, b"heir")
    assert parts.collect("abc") == [(0, b"heir")]
    assert parts.collect("abc") == []
    store.close()


def test_a_piece_that_is_given_up_is_a_gap(store: Opened, audit_log: Path) -> None:
    ask: Callable[[], Report] = lambda: detect([str(audit_log)], share=Asker(Parts(store.door)))  # noqa: E731
    with asked(ask) as answer:
        waiting(store)
        job = store.queue.take("killer", timedelta(seconds=30), (KIND,))
        assert job
        store.queue.fail(job, "it kills its workers")
        with reading(store):
            report = answer()
    assert [gap.detail for gap in report.coverage.gaps] == ["it kills its workers"]
    assert report.findings


def test_what_is_no_unit_is_a_dead_letter(store: Opened) -> None:
    store.queue.put([Item(KIND, "x/0", b"\xff", group="x/0")])
    with reading(store):
        until(lambda: store.desk.counts()[State.DEAD], "the worker, a thread of its own, gives it up")


def test_what_was_found_comes_through_whole() -> None:
    assert unpack(Watched, pack(Watched(malformed=3))) == Watched(malformed=3)
    with pytest.raises(ValueError, match="not an answer"):
        unpack(Watched, b"junk")
