from __future__ import annotations

import re
from pathlib import Path

import pytest

from irkit.audit.detect import registry
from irkit.audit.detect.detect import detect
from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Rule
from tests.audit.detect import newcomers
from tests.audit.detect.cases import ATTACKS, INNOCENT
from tests.audit.logs import Event, event, log


def fired(path: Path, events: list[Event]) -> set[str]:
    report = detect([str(log(path / "audit.log", events))])
    assert report.events == len(events)
    assert report.coverage.malformed == 0
    return {finding.rule for finding in report.findings}


def test_every_number_is_there_once() -> None:
    every = registry.EVERY
    assert [rule.number for rule in every if rule.id != "secrets-gathered"] == list(range(1, 39))
    assert len(registry.BY_ID) == len(every)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_what_it_is(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
    assert rule.title[0].isupper()
    assert rule.false_positives
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", technique) for technique in rule.techniques)
    assert bool(rule.resources) is (rule.gate is None)


def test_every_rule_has_attacks_and_innocents() -> None:
    attacks, innocents = ATTACKS | newcomers.ATTACKS, INNOCENT | newcomers.INNOCENT
    assert set(attacks) == set(innocents) == set(registry.BY_ID)
    assert all(cases and all(cases) for known in (attacks, innocents) for cases in known.values())


@pytest.mark.parametrize(("rule", "number"), [(rule, n) for rule in ATTACKS for n in range(len(ATTACKS[rule]))])
def test_an_attack_is_found(tmp_path: Path, rule: str, number: int) -> None:
    assert rule in fired(tmp_path, ATTACKS[rule][number])


@pytest.mark.parametrize(("rule", "number"), [(rule, n) for rule in INNOCENT for n in range(len(INNOCENT[rule]))])
def test_an_innocent_is_not(tmp_path: Path, rule: str, number: int) -> None:
    assert rule not in fired(tmp_path, INNOCENT[rule][number])


def test_a_request_received_is_no_deed_yet(tmp_path: Path) -> None:
    assert fired(tmp_path, [event(sub="exec") | {"stage": "RequestReceived"}]) == set()
