"""Sequences: the same whichever process saw which piece, and bounded."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.audit.detect.detect import detect
from irkit.audit.detect.kept import chains
from irkit.audit.detect.kept.chains import Chains, Deed
from irkit.audit.detect.registry import BY_ID
from irkit.audit.read import scan
from tests.audit.detect.sequences import entered, inside, tried
from tests.audit.logs import START, log
from tests.audit.shell import irkit

RULE = BY_ID["secrets-after-exec"]
SPAN = timedelta(minutes=30)
MOMENTS = st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=12)


def deed(minutes: int) -> Deed:
    return Deed(START + timedelta(minutes=minutes), str(minutes), "", "", "", ("", "", ""))


@given(MOMENTS, st.integers(1, 4), st.randoms())
def test_a_pair_is_found_exactly_where_there_is_one_however_the_log_is_cut(
    moments: list[tuple[bool, int]], parts: int, order: random.Random
) -> None:
    shuffled = order.sample(moments, len(moments))
    total = Chains()
    for part in range(parts):
        one = Chains()
        for begins, minutes in shuffled[part::parts]:
            one.take(RULE, "pod", deed(minutes), begins=begins)
        total.merge(one)
    firsts, seconds = ([at for begins, at in moments if begins is wanted] for wanted in (True, False))
    there = any(0 <= second - first <= 30 for first, second in product(firsts, seconds))
    found = [pair for _, pairs in total.fired(BY_ID) for pair in pairs]
    assert bool(found) is there
    assert all(first.at <= second.at <= first.at + SPAN for first, second in found)


def test_a_finding_tells_both_deeds(tmp_path: Path) -> None:
    report = detect([str(log(tmp_path / "audit.log", [entered(1), inside(31)]))], only=["secrets-after-exec"])
    (found,) = report.findings
    assert found.reason == "exec into web-1; 30 s later its own account: get secrets payments/x"
    assert (found.actor, found.target) == ("system:serviceaccount:payments:web", "secrets payments/x")
    assert len(found.audit_ids) == 2
    assert found.at == START + timedelta(seconds=31)


def test_pieces_in_many_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [tried(number * 7, 403 if number % 3 else 200, f"s{number % 5}") for number in range(300)]
    path = str(log(tmp_path / "audit.log", events))
    whole = detect([path])
    monkeypatch.setattr(scan, "PIECE", 5_003)
    monkeypatch.setattr(scan, "WORTH", 0)
    assert detect([path]) == whole
    assert sum(found.rule == "allowed-after-refusal" for found in whole.findings) == 5


def test_what_is_evicted_is_said_and_what_is_whole_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "LINKS", 8)
    halves = [tried(100 + number, 403, f"s{number}") for number in range(20)]
    path = log(tmp_path / "audit.log", [entered(1), inside(2), *halves])
    report = detect([str(path)])
    assert report.coverage.evicted > 0
    assert "secrets-after-exec" in {found.rule for found in report.findings}
    kept = f"at most 8 halves of sequences are kept; {report.coverage.evicted} were evicted"
    assert kept in irkit("audit", "detect", path).output
    assert detect([str(log(tmp_path / "small.log", [entered(1), inside(2)]))]).coverage.evicted == 0
