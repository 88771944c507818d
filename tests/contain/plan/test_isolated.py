"""What isolation promises, against packets of the second implementation and against every set of labels there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product

import pytest
from hypothesis import HealthCheck, given, settings

from irkit.cluster.protocol import Json
from irkit.contain import marks
from irkit.contain.plan.solve import Plan
from irkit.contain.survey import Survey, planned
from irkit.contain.verdict import Tiers, residuals
from irkit.model.isolation import Direction
from irkit.model.pod import PodRef
from tests.contain.policy.brute import Cluster, Packet
from tests.contain.policy.clusters import KEYS, OUTSIDE, PROTOCOLS, VALUES, cluster
from tests.contain.policy.test_semantics import PORTS

VICTIM, UID = "pod-0", "00000000-0000"
OURS = marks.policy_name(UID)


def surveyed(given_: Cluster) -> Survey:
    home = given_.pods[VICTIM]["metadata"]["namespace"]
    policies = {one["metadata"]["name"]: one for one in given_.policies if one["metadata"]["namespace"] == home}
    space = given_.namespaces[home]["metadata"]["labels"]
    return Survey(policies, tiers=Tiers(tuple(given_.tiers), space))


def plan_for(given_: Cluster) -> Plan:
    seen = given_.pods[VICTIM]
    return planned({**seen, "metadata": {**seen["metadata"], "uid": UID}}, surveyed(given_))[0]


def open_with(given_: Cluster, labels: dict[str, str]) -> set[Direction]:
    """The directions that irkit calls open once the victim has these labels, and ours."""
    found = surveyed(given_)
    ours = marks.quarantine(PodRef("one", VICTIM), UID, "", "")
    return {left.direction for left in residuals(labels, [*found.policies.values(), ours], OURS, found.tiers)}


def isolated(given_: Cluster, labels: dict[str, str]) -> Cluster:
    """The cluster as isolation would leave it."""
    seen = given_.pods[VICTIM]
    relabelled: Json = {**seen, "metadata": {**seen["metadata"], "labels": labels}}
    ours = marks.quarantine(PodRef(seen["metadata"]["namespace"], VICTIM), UID, "", "")
    return replace(given_, pods={**given_.pods, VICTIM: relabelled}, policies=[*given_.policies, ours])


def packets(given_: Cluster, direction: Direction) -> Iterator[Packet]:
    others = [end for end in (*given_.pods, *OUTSIDE) if end != VICTIM]
    for other, protocol, port in product(others, PROTOCOLS, PORTS):
        ends = (VICTIM, other) if direction is Direction.EGRESS else (other, VICTIM)
        yield Packet(*ends, protocol, port)


def holds(given_: Cluster, every: int = 1) -> None:
    """No direction is called closed through which a packet passes."""
    labels = plan_for(given_).labels
    left, after = open_with(given_, labels), isolated(given_, labels)
    for direction in set(Direction) - left:
        for packet in islice(packets(given_, direction), 0, None, every):
            assert not after.passes(packet), (packet, labels)


def not_given_up(given_: Cluster) -> None:
    """Nothing is called impossible that some set of labels does."""
    plan = plan_for(given_)
    if not any(left.claim.admits for left in plan.left):
        return
    claims = [claim for claim in surveyed(given_).claims if claim.admits]
    for values in product((None, *VALUES, "unheard-of"), repeat=len(KEYS)):
        tried = {key: value for key, value in zip(KEYS, values, strict=True) if value is not None}
        tried[marks.QUARANTINE] = UID
        assert any(claim.selector.matches(tried) for claim in claims), tried


bounded = settings(max_examples=60, suppress_health_check=list(HealthCheck))
thorough = settings(max_examples=3_000, suppress_health_check=list(HealthCheck))


@bounded
@given(cluster())
def test_nothing_passes_where_it_is_called_closed(given_: Cluster) -> None:
    holds(given_)
    not_given_up(given_)


@pytest.mark.slow
@thorough
@given(cluster())
def test_nothing_passes_where_it_is_called_closed_three_thousand_times(given_: Cluster) -> None:
    holds(given_, every=7)
    not_given_up(given_)
