"""Every labelled case of Panther and Falco, and every file of the corpus, whole and broken."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from irkit.audit.detect.detect import detect
from irkit.audit.search import search
from tests.audit import corpus
from tests.audit.detect.labels import (
    DISAGREEMENTS,
    FALCO,
    FALCO_DISAGREEMENTS,
    FALCO_NOT_OURS,
    NOT_OURS,
    PANTHER,
)

pytestmark = corpus.needed
Tell = Callable[[str, object], None]
Reasons = dict[tuple[str, str], str]


def fired(path: Path) -> set[str]:
    return {finding.rule for finding in detect([str(path)]).findings}


def table(name: str, agreed: int, disagreed: Reasons, not_ours: Counter[str], why: dict[str, str]) -> str:
    """The tally, each disagreement with its reason, each rule of theirs that we do not have with its reason."""
    lines = [f"{name}: {agreed} labelled cases agreed with, {len(disagreed)} not, {not_ours.total()} not ours"]
    lines += [f"  not: {rule}: {case}: {reason}" for (rule, case), reason in disagreed.items()]
    lines += [f"  not ours: {rule} ({count}): {why[rule]}" for rule, count in sorted(not_ours.items())]
    return "\n".join(lines)


def test_panther(tmp_path: Path, record_property: Tell) -> None:
    path, agreed, disagreed, not_ours = tmp_path / "audit.log", 0, Reasons(), Counter[str]()
    for case in corpus.panther():
        path.write_text(json.dumps(case.log) + "\n")
        found = fired(path)
        if case.rule in NOT_OURS:
            not_ours[case.rule] += 1
        elif bool(found & set(PANTHER[case.rule])) is case.expected:
            agreed += 1
        else:
            disagreed[case.rule, case.name] = DISAGREEMENTS.get((case.rule, case.name), "no reason known")
    record_property("told", table("Panther", agreed, disagreed, not_ours, NOT_OURS))
    assert disagreed == DISAGREEMENTS
    assert agreed > 75


def test_every_panther_rule_is_spoken_for() -> None:
    assert {case.rule for case in corpus.panther()} == PANTHER.keys() | NOT_OURS.keys()


def test_falco(record_property: Tell) -> None:
    agreed, disagreed, not_ours = 0, Reasons(), Counter[str]()
    for path, theirs in corpus.falco():
        not_ours.update(theirs & FALCO_NOT_OURS.keys())
        wanted, found = {FALCO[rule]: rule for rule in theirs - FALCO_NOT_OURS.keys()}, fired(path)
        agreed += wanted.keys() == found
        for ours in wanted.keys() - found:
            reason = FALCO_DISAGREEMENTS.get((wanted[ours], path.name), "no reason known")
            disagreed[wanted[ours], path.name] = reason
        assert found <= wanted.keys(), path.name
    record_property("told", table("Falco", agreed, disagreed, not_ours, FALCO_NOT_OURS))
    assert disagreed == FALCO_DISAGREEMENTS
    assert agreed > 20


def test_every_falco_rule_is_spoken_for() -> None:
    assert {rule for _, rules in corpus.falco() for rule in rules} == FALCO.keys() | FALCO_NOT_OURS.keys()


@pytest.mark.parametrize("path", corpus.files(), ids=lambda path: str(path.relative_to(corpus.ROOT)))
def test_no_file_brings_us_down(path: Path) -> None:
    report = detect([str(path)])
    searched = search([str(path)])
    assert len(list(searched)) == report.events == searched.summary().events
    assert [gap.remedy for gap in searched.gaps] == [gap.remedy for gap in report.coverage.gaps]
    assert report.events or report.coverage.gaps


def broken(data: bytes, dice: random.Random) -> Iterator[bytes]:
    """The same file as disks, editors and enemies leave it."""
    half = len(data) // 2
    yield data[:half]
    yield data[half:]
    yield gzip.compress(data)[:-9]
    yield b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")
    yield data.decode("utf-8", "replace").encode("utf-16")
    yield data.replace(b'"', b"'", 7)
    yield data.replace(b":{", b":" + b"[" * 5000 + b"{", 1)
    bruised = bytearray(data)
    for _ in range(1 + len(data) // 200):
        bruised[dice.randrange(len(data))] = dice.randrange(256)
    yield bytes(bruised)


@pytest.mark.parametrize("path", corpus.files(), ids=lambda path: str(path.relative_to(corpus.ROOT)))
def test_no_broken_file_brings_us_down(path: Path, tmp_path: Path) -> None:
    for number, data in enumerate(broken(path.read_bytes(), random.Random(path.name))):  # noqa: S311 - the same each time
        ill = tmp_path / str(number)
        ill.write_bytes(data)
        report, searched = detect([str(ill)]), search([str(ill)])
        assert len(list(searched)) <= searched.summary().events
        assert report.events or report.coverage.gaps or report.coverage.malformed
