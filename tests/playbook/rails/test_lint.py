"""Rails files: what is good, and where what is not is wrong."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from irkit.errors import UsageError
from irkit.playbook.rails.lint import default, lint, parse
from irkit.playbook.rails.policy import Mode, Policy, schema, span

GOOD = """\
apiVersion: irkit/v1
kind: Rails
mode: enforce
allow:
  - actions: [pod.isolate@1]
    namespaces: [payments, shop-*]
    labels: {team: web}
    triggers: [alertmanager]
    min_severity: high
deny:
  - {namespaces: [vault], reason: the vault is for people}
budgets:
  - {most: 10, per: 10m, scope: cluster}
workload: {pods: 1, percent: 25, within: 24h}
cooldown: 1h
breaker: {failures: 3, within: 10m, pause: 30m}
protect: {namespaces: [vault], control_plane_nodes: true}
"""


def test_a_good_file_is_read_whole() -> None:
    rules = parse(GOOD, "rails.yaml")
    assert lint(GOOD) == []
    assert (rules.policy.mode, rules.policy.allow[0].labels) == (Mode.ENFORCE, {"team": "web"})
    assert rules.sha256 != default().sha256


def test_the_least_file_has_the_careful_defaults() -> None:
    assert parse("apiVersion: irkit/v1\nkind: Rails\n").policy == Policy() == default().policy


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("mode: enforce", "mode: yes-please", "3:1", "mode"),
        ("kind: Rails", "kind: Playbook", "2:1", "kind"),
        ("kind: Rails\n", "", "1:1", "missing key 'kind'"),
        ("mode: enforce", "moode: enforce", "3:1", "unknown key 'moode'"),
        ("    min_severity: high", "    min_severity: awful", "9:5", "min_severity"),
        ("pod.isolate@1", "pod.explode@1", "5:15", "no such action"),
        ("pod.isolate@1", "evidence.collect@1", "5:15", "no such action"),
        ("    namespaces: [payments, shop-*]\n", "", "5:5", "missing key 'namespaces'"),
        ("namespaces: [vault], reason", "reason", "11:5", "denies everything"),
        (", reason: the vault is for people", "", "11:5", "missing key 'reason'"),
        ("per: 10m", "per: 10 minutes", "13:16", "per"),
        ("per: 10m", "per: 31d", "13:16", "30d at most"),
        ("scope: cluster", "scope: moon", "13:26", "scope"),
        ("most: 10", "most: -1", "13:6", "most"),
        ("percent: 25", "percent: 101", "14:21", "percent"),
        ("cooldown: 1h", "cooldown: 99999d", "15:1", "30d at most"),
        ("breaker: {failures: 3", "breaker: {failures: 0", "16:11", "failures"),
        ("mode: enforce", "mode: &x enforce", "3:7", "anchors"),
    ],
)
def test_every_mistake_has_its_place(old: str, new: str, place: str, words: str) -> None:
    assert old in GOOD
    problems = lint(GOOD.replace(old, new, 1))
    assert any(str(problem).startswith(place) and words in problem.message for problem in problems), problems
    with pytest.raises(UsageError, match=r"rails\.yaml:\d+:\d+"):
        parse(GOOD.replace(old, new, 1), "rails.yaml")


def test_all_mistakes_are_told_at_once() -> None:
    wrong = GOOD.replace("pod.isolate@1", "x@1").replace("vault]", "vault], also: 1").replace("1h", "99d")
    assert len(lint(wrong)) >= 2


@pytest.mark.parametrize("text", ["", "- a list", "just text", "a: [", "\x00"])
def test_what_is_no_rails_file_at_all(text: str) -> None:
    assert lint(text)


def test_spans_are_lengths_of_time() -> None:
    assert [span(text) for text in ("0s", "90m", "7d")] == [
        timedelta(0),
        timedelta(minutes=90),
        timedelta(days=7),
    ]


def test_the_schema_is_one() -> None:
    assert msgspec.json.encode(schema())
