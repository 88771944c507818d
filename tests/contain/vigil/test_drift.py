"""What a watch makes of engines' denies and of the tiers around NetworkPolicy: pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from irkit.cluster.protocol import Json
from irkit.cluster.resources import (
    ADMIN_NETWORK_POLICIES,
    CALICO_POLICIES,
    CILIUM_NETWORK_POLICIES,
    Resource,
)
from irkit.contain import marks
from irkit.contain.engines import calico, cilium, tiers
from irkit.contain.vigil.drift import drifts
from irkit.contain.vigil.sight import Seen, scene
from irkit.model.pod import PodRef

POD = PodRef("shop", "web", "00000000-1111")
EVERYBODY: Json = {"podSelector": {}, "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress", "Egress"]}


def made(resource: Resource, spec: Json, name: str = "") -> Json:
    return marks.of_ours(resource, POD, str(POD.uid), "c", "", spec, name=name)


def world(policy: Json | None = None, /, **more: list[Json]) -> Seen:
    """The pod isolated, beside `policy` as what another admits."""
    pod: Json = {"metadata": {"name": "web", "uid": POD.uid, "labels": {marks.QUARANTINE: str(POD.uid)}}}
    other = {"metadata": {"name": "other", "namespace": "shop"}, "spec": policy or {"podSelector": {}}}
    listed = {"pod": [pod], "policies": [marks.quarantine(POD, str(POD.uid), "c", ""), other], **more}
    return {
        name: {str(each["metadata"].get("uid") or at): each for at, each in enumerate(some)}
        for name, some in listed.items()
    }


def told(seen: Seen, *, expected: frozenset[str] = frozenset()) -> list[str]:
    return [drift.kind for drift in drifts(replace(scene(POD, seen), expected=expected))]


CILIUM = made(CILIUM_NETWORK_POLICIES, cilium.spec(str(POD.uid)))
CALICO = made(CALICO_POLICIES, calico.spec(str(POD.uid), "shop"), f"{marks.TIER}.{marks.policy_name(str(POD.uid))}")
NEVER: Json = {"metadata": {}, "data": {"enable-policy": "never"}}
OUR_TIER = {"metadata": {"name": calico.TIER}, "spec": {"order": 10}}


def test_what_others_admit_is_told_unless_an_engine_denies_it() -> None:
    assert told(world()) == []
    assert told(world(EVERYBODY)) == ["admits", "admits"]
    assert told(world(EVERYBODY, **{CILIUM_NETWORK_POLICIES.full_name: [CILIUM]})) == []
    assert told(world(EVERYBODY, **{CALICO_POLICIES.full_name: [CALICO], "tiers": [OUR_TIER]})) == []


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ({CILIUM_NETWORK_POLICIES.full_name: [{**CILIUM, "spec": {**CILIUM["spec"], "egressDeny": []}}]}, "altered"),
        ({CILIUM_NETWORK_POLICIES.full_name: [CILIUM], "cilium-config": [NEVER]},
         "not enforced"),
        ({CALICO_POLICIES.full_name: [CALICO], "tiers": []}, "no tier"),
        ({CALICO_POLICIES.full_name: [CALICO],
          "tiers": [OUR_TIER, {"metadata": {"name": "new", "uid": "n"}, "spec": {"order": 1}}]}, "an earlier tier"),
    ],
)  # fmt: skip
def test_a_deny_that_does_not_hold_is_told_with_what_it_lets_through(listed: dict[str, list[Json]], why: str) -> None:
    assert told(world(EVERYBODY, **listed)) == ["engine", "admits", "admits"], why


def test_a_deny_that_is_gone_is_told() -> None:
    names = scene(POD, world(**{CILIUM_NETWORK_POLICIES.full_name: [CILIUM]})).there
    assert told(world(EVERYBODY), expected=names) == ["engine", "admits", "admits"]
    assert told(world(), expected=names) == ["engine"]


def test_the_tiers_around_network_policies_count() -> None:
    subject: Json = {"namespaces": {"matchLabels": {"team": "shop"}}}
    allow: Json = {"action": "Allow", "from": [{"namespaces": {}}]}
    spec = {"priority": 5, "subject": subject, "ingress": [allow]}
    theirs: Json = {"metadata": {"name": "theirs", "uid": "t"}, "spec": spec}
    space: Json = {"metadata": {"name": "shop", "labels": {"team": "shop"}}}
    seen = world(**{ADMIN_NETWORK_POLICIES.full_name: [theirs], "namespace": [space]})
    assert told(seen) == ["admits"], "past every NetworkPolicy"
    assert told(world(**{ADMIN_NETWORK_POLICIES.full_name: [theirs], "namespace": []})) == [], "of another namespace"
    ours = made(ADMIN_NETWORK_POLICIES, tiers.spec(ADMIN_NETWORK_POLICIES, str(POD.uid), "shop"))
    closed = world(**{ADMIN_NETWORK_POLICIES.full_name: [theirs, ours], "namespace": [space]})
    assert told(closed) == [], "ours is asked first"
