"""What irkit says about reach and isolation, against packets on a real cluster: its enforcer shares no code with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from irkit.cluster.protocol import Json
from irkit.contain.isolate import isolate
from irkit.contain.reach.connections import reach
from irkit.contain.release import release
from irkit.contain.world import live
from irkit.model.isolation import Change, Direction, Verdict
from tests.cluster.real import ONE_AT_A_TIME
from tests.contain.packets.playground import PORTS, Pair, Playground, policy, random_policies

pytestmark = [pytest.mark.real, pytest.mark.slow, ONE_AT_A_TIME]


@pytest.fixture(scope="module")
def play(ground: Playground) -> Iterator[Playground]:
    with ground.real.enforcing():
        ground.settled()
        assert len(ground.passing()) == 4 * 3 * len(PORTS), "with no policy everybody reaches everybody"
        yield ground


def said(play: Playground, connections: list[Json]) -> set[Pair]:
    """The connections between our pods, on the ports that they listen on."""
    ours = {f"{play.home(pod)}/{pod}[Pod]": pod for pod in "abcd"}
    return {
        (ours[one["src"]], ours[one["dst"]], port)
        for one in connections
        if one["src"] in ours and one["dst"] in ours
        for port in PORTS
        if one["ports"] == "all" or any(_holds(some, port) for some in one["ports"])
    }


def _holds(some: Json, port: int) -> bool:
    return bool(some["protocol"] == "TCP" and some["port"] <= port <= some["endPort"])


@pytest.mark.parametrize("seed", range(24))
def test_reach_is_what_packets_do(play: Playground, seed: int) -> None:
    with play.policies(*random_policies(play, seed)):
        assert said(play, reach(live.load(play.cluster))) == play.passing()


def no_one(change: Change) -> None:
    """Somebody who does not care about intents."""


def concerning(pod: str, pairs: set[Pair]) -> tuple[set[Pair], set[Pair]]:
    return {pair for pair in pairs if pair[1] == pod}, {pair for pair in pairs if pair[0] == pod}


@pytest.mark.parametrize("hostile", ["nothing", "everything", "NotIn", "DoesNotExist", "own labels", "ours"])
def test_a_verdict_is_what_packets_do(play: Playground, hostile: str) -> None:
    values = {"values": ["y"]} if hostile == "NotIn" else {}
    selectors: dict[str, Json] = {
        "everything": {},
        "own labels": {"matchLabels": {"app": "web"}},
        "ours": {"matchExpressions": [{"key": "irkit.dev/quarantine", "operator": "Exists"}]},
    }
    unlabelled = {"matchExpressions": [{"key": "tier", "operator": hostile, **values}]}
    selector = selectors.get(hostile, unlabelled)
    rules: Json = {"ingress": [{}]} if hostile in ("own labels", "NotIn") else {"ingress": [{}], "egress": [{}]}
    hostiles = [] if hostile == "nothing" else [policy("hostile", play.home("a"), selector, **rules)]
    with play.policies(*hostiles):
        before = play.passing()
        found = isolate(play.ref("a"), play.cluster, case="", before=no_one)
        play.settled()
        into, out = concerning("a", play.passing())
        assert bool(into) is (found.verdict[Direction.INGRESS] is Verdict.INEFFECTIVE)
        assert bool(out) is (found.verdict[Direction.EGRESS] is Verdict.INEFFECTIVE)
        assert {pair for pair in play.passing("bcd")} == {pair for pair in before if "a" not in pair[:2]}
        release(play.ref("a"), play.cluster, before=no_one)
        play.settled()
        assert play.passing() == before
