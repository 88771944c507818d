"""What is said of a policy, or of a log, is held against what the detections really find in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.audit.detect.detect import detect
from irkit.audit.detect.registry import RULES
from irkit.audit.policy.coverage.asks import needed
from irkit.audit.policy.coverage.judge import Sight, Why, judge, needs
from irkit.audit.policy.nouns import Level, Policy
from irkit.audit.policy.read import parse
from irkit.audit.policy.recommend import recommended
from tests.audit.detect.cases import ATTACKS
from tests.audit.logs import Event, log
from tests.audit.policy.relog import relogged, stripped

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n"
POLICIES = {
    "recommended": recommended(),
    "all at Metadata": HEAD + "- level: Metadata\n",
    "all at Request": HEAD + "- level: Request\n",
    "all dropped": HEAD + "- level: None\n",
    "changes only": HEAD + "- {level: Request, verbs: [create, update, patch]}\n",
    "core only": HEAD + '- {level: RequestResponse, resources: [{group: ""}]}\n',
    "no subresources": HEAD + '- {level: None, resources: [{group: "", resources: ["pods/*"]}]}\n- level: Request\n',
    "one namespace": HEAD + "- {level: Request, namespaces: [payments]}\n- level: Metadata\n",
    "one person dropped": HEAD + "- {level: None, users: [alice]}\n- level: Request\n",
    "nobody who is logged in": HEAD + "- {level: None, userGroups: [system:authenticated]}\n- level: Request\n",
    "ends left out": HEAD + "- {level: Request, omitStages: [ResponseComplete]}\n",
    "all but beginnings left out": HEAD.replace("RequestReceived", "ResponseStarted, ResponseComplete")
    + "- level: Request\n",
    "one name": HEAD + '- {level: None, resources: [{group: "", resources: [configmaps], resourceNames: [aws-auth]}]}\n'
    "- level: Request\n",
}


def fired(path: Path, events: list[Event]) -> set[str]:
    return {finding.rule for finding in detect([str(log(path / "audit.log", events))]).findings} if events else set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_level_that_a_rule_needs_is_the_least_at_which_its_attacks_are_found(rule: object, tmp_path: Path) -> None:
    rule_id = getattr(rule, "id", "")
    table = needed(rule_id)
    for events in ATTACKS[rule_id]:
        most = max((level_of(table, event) for event in events), key=lambda level: level.rank)
        assert rule_id in fired(tmp_path, events)
        assert (rule_id in fired(tmp_path, [stripped(event, Level.METADATA) for event in events])) is (
            most is Level.METADATA
        ), events


def level_of(table: dict[tuple[str, str], Level], event: Event) -> Level:
    ref = event["objectRef"] or {}
    kind = "/".join(ref[key] for key in ("resource", "subresource") if key in ref)
    return table.get((event["verb"], kind), Level.METADATA)  # plain paths have no body


def test_every_rule_that_judges_by_bodies_says_so() -> None:
    assert {rule.id for rule in RULES if needs(rule) is Level.REQUEST} == {
        rule.id for rule in RULES if rule.body or rule.id == "guard-removed"
    }


@pytest.mark.parametrize("name", POLICIES)
def test_no_attack_is_missed_that_is_said_to_be_seen_and_none_found_that_is_not(name: str, tmp_path: Path) -> None:
    policy = parse(POLICIES[name])
    for judged in judge(policy):
        found = [judged.rule in fired(tmp_path, relogged(policy, events)) for events in ATTACKS[judged.rule]]
        if judged.sight is Sight.SEES:
            assert all(found), judged
        elif judged.sight is Sight.BLIND:
            assert not any(found), judged


def sights(policy: Policy) -> dict[Sight, set[str]]:
    judged = judge(policy)
    return {sight: {one.rule for one in judged if one.sight is sight} for sight in Sight}


def test_at_metadata_what_judges_by_bodies_is_blind() -> None:
    seen = sights(parse(POLICIES["all at Metadata"]))
    assert seen[Sight.HALF] == {"dangerous-role", "guard-removed"}
    assert seen[Sight.BLIND] == {rule.id for rule in RULES if rule.body} - {"dangerous-role"}
    assert len(sights(parse(POLICIES["all at Request"]))[Sight.SEES]) == len(RULES)
    assert len(sights(parse(POLICIES["all dropped"]))[Sight.BLIND]) == len(RULES)


def test_a_hole_names_the_rule_of_the_policy_and_what_falls_into_it() -> None:
    policy = parse(
        HEAD + "- {level: None, users: [mallory], verbs: [get]}\n- {level: Request, omitStages: [ResponseStarted]}\n"
    )
    judged = {one.rule: one for one in judge(policy)}
    dropped, late = judged["exec-into-pod"].holes
    assert (dropped.why, dropped.rule, dropped.line, dropped.level) == (Why.DROPPED, 1, 5, Level.NONE)
    assert (dropped.verbs, dropped.targets, dropped.callers) == (
        ("get",),
        ("pods/attach", "pods/exec"),
        ("mallory",),
    )
    assert (late.why, late.rule, late.callers) == (Why.LATE, 2, ())
    assert judged["exec-into-pod"].sight is Sight.HALF
    assert judged["secrets-gathered"].holes[0].callers == ("mallory",)
    assert judged["daemon-set"].sight is Sight.SEES


def test_what_no_rule_matches_is_a_hole_without_a_rule() -> None:
    (hole,) = next(one.holes for one in judge(parse(POLICIES["changes only"])) if one.rule == "events-deleted")
    assert (hole.why, hole.rule, hole.line) == (Why.DROPPED, None, None)
