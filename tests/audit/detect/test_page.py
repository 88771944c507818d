"""docs/detections.md is what the rules say."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.audit.detect.attack import TECHNIQUES, in_19
from irkit.audit.detect.page import WIDTH, page
from irkit.audit.detect.registry import BY_ID
from irkit.audit.detect.rule import Rule

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_made_from_the_rules_as_they_are() -> None:
    written = (DOCS / "detections.md").read_text(encoding="utf-8")
    assert written == page(), "python -m irkit.audit.detect.page > docs/detections.md"


@pytest.mark.parametrize("rule", BY_ID.values(), ids=lambda rule: rule.id)
def test_every_rule_has_a_section_and_every_technique_a_name(rule: Rule) -> None:
    assert f"\n### {rule.id}\n" in page()
    assert rule.false_positives.split(",")[0] in page()
    assert set(rule.techniques) <= TECHNIQUES.keys()


def test_no_technique_stands_there_that_nothing_names() -> None:
    named = {technique for rule in BY_ID.values() for technique in rule.techniques}
    assert TECHNIQUES.keys() == named


def test_text_is_wrapped() -> None:
    assert [line for line in page().splitlines() if len(line) > WIDTH and not line.startswith("|")] == []


def test_no_technique_keeps_a_tactic_that_version_19_retired() -> None:
    after = [in_19(one) for one in TECHNIQUES.values()]
    assert all(one.tactics and "Defense Evasion" not in one.tactics for one in after)
    assert in_19(TECHNIQUES["T1562.001"]).id == "T1685"
