"""What is said of a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.audit.detect.registry import RULES
from irkit.audit.policy.coverage.census import count
from irkit.audit.policy.coverage.heard import Heard, hear
from irkit.audit.policy.coverage.judge import Sight, Why
from irkit.audit.policy.coverage.tell import tell_log
from irkit.audit.policy.nouns import Level
from irkit.audit.read import scan
from irkit.model.evidence import GapReason
from tests.audit.detect.cases import ATTACKS, CONTROLLER, PRIVILEGED, pod
from tests.audit.logs import Event, event, log
from tests.audit.policy.relog import stripped

SPEC = {"containers": [PRIVILEGED]}
WHOLE = [one for logs in ATTACKS.values() for events in logs for one in events]


def heard(path: Path, events: list[Event | bytes]) -> dict[str, Heard]:
    return {one.rule: one for one in hear(count([str(log(path / "audit.log", events))]))}


def test_a_log_with_bodies_lets_every_rule_see(tmp_path: Path) -> None:
    found = heard(tmp_path, [*WHOLE])
    assert {one.sight for one in found.values()} <= {Sight.SEES, Sight.HALF}
    # Some attacks among the samples bear no body, and could have been worse with one.
    blinder = {one.rule for one in found.values() if one.sight is Sight.HALF}
    assert blinder <= {rule.id for rule in RULES if rule.body} | {"guard-removed"}


def test_a_log_without_bodies_leaves_blind_what_judges_by_them(tmp_path: Path) -> None:
    found = heard(tmp_path, [stripped(one, Level.METADATA) for one in WHOLE])
    blind = {one.rule for one in found.values() if one.sight is Sight.BLIND}
    assert blind == {rule.id for rule in RULES if rule.body} - {"dangerous-role"}
    assert {one.rule for one in found.values() if one.sight is Sight.HALF} == {"dangerous-role", "guard-removed"}
    one = found["cluster-admin-binding"]
    assert (one.judged, one.missed, one.why) == (0, 6, Why.NO_BODY)
    assert (one.verbs, one.targets) == (("create", "patch"), ("clusterrolebindings", "rolebindings"))
    assert tell_log(one) == ["create, patch of clusterrolebindings, rolebindings: 6 of 6 without the body it judges by"]


def test_half_of_the_bodies_is_half_blind(tmp_path: Path) -> None:
    whole = pod(SPEC)
    bare = stripped(pod(SPEC, seconds=20), Level.METADATA)
    found = heard(tmp_path, [whole, bare])["privileged-container"]
    assert (found.sight, found.judged, found.missed) == (Sight.HALF, 1, 1)


def test_what_could_have_been_no_attack_is_not_missed(tmp_path: Path) -> None:
    refused = event("create", code=403)
    controllers = event("create", code=201, user=CONTROLLER)
    found = heard(tmp_path, [refused, controllers])["privileged-container"]
    assert (found.sight, found.judged, found.missed) == (Sight.UNSEEN, 0, 0)
    assert tell_log(found) == []


def test_beginnings_alone_tell_nothing(tmp_path: Path) -> None:
    found = heard(tmp_path, [event(sub="exec", code=101) | {"stage": "RequestReceived"}])["exec-into-pod"]
    assert (found.sight, found.why, found.missed) == (Sight.BLIND, Why.NO_STAGE, 1)
    assert "RequestReceived" in tell_log(found)[0]


def test_what_was_read_is_counted(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log.gz", [event(), b"torn\n", event(level="hostile"), event() | {"level": "Request"}])
    counted = count([str(path), str(tmp_path / "absent")])
    assert (counted.events, counted.malformed) == (3, 1)
    assert counted.levels == {"Metadata": 1, "Request": 1, "other": 1}
    assert [gap.reason for gap in counted.gaps] == [GapReason.ABSENT]


def test_a_log_that_breaks_off_is_a_gap(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log.gz", [event(seconds=number) for number in range(5000)])
    path.write_bytes(path.read_bytes()[:-20])
    assert [gap.reason for gap in count([str(path)]).gaps] == [GapReason.TRUNCATED]


def test_many_pieces_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(log(tmp_path / "audit.log", WHOLE * 5))
    whole = count([path])
    monkeypatch.setattr(scan, "PIECE", 20_011)
    monkeypatch.setattr(scan, "WORTH", 0)
    assert count([path]) == whole
