"""The plan: what labels can evade, what they cannot, in which order of importance."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.cluster.protocol import Json
from irkit.contain import marks
from irkit.contain.plan.claims import Claim, of_object
from irkit.contain.plan.owner import controller
from irkit.contain.plan.solve import Plan, solve, unchanged
from irkit.contain.plan.words import changed, consequences
from irkit.contain.policy.selector import Labels, Selector
from irkit.contain.verdict import residuals
from irkit.model.isolation import Direction
from irkit.model.pod import PodRef
from tests.contain.plan.test_escape import (
    KEYS,
    VALUES,
    holes,
    label_sets,
    requirement,
    selector,
    selectors,
    triples,
)

UID = "0123-4567"
OPEN: dict[Direction, Json] = {Direction.INGRESS: {"ingress": [{}]}, Direction.EGRESS: {"egress": [{}]}}


def claims(*objects: Json) -> list[Claim]:
    return [claim for known in objects for claim in of_object(known)]


def thing(kind: str, name: str, chosen: object, **spec: object) -> Json:
    return {"kind": kind, "metadata": {"name": name, "uid": f"uid-{name}"}, "spec": {"selector": chosen, **spec}}


def allow(name: str, chosen: Json, *directions: Direction) -> Json:
    rules = {key: rule for direction in directions for key, rule in OPEN[direction].items()}
    spec = {"podSelector": chosen, "policyTypes": [key.capitalize() for key in rules], **rules}
    return {"kind": "NetworkPolicy", "metadata": {"name": name, "namespace": "n"}, "spec": spec}


def names(plan: Plan) -> tuple[list[str], list[str]]:
    return [str(claim) for claim in plan.evaded], [str(left.claim) for left in plan.left]


def test_one_label_less_can_be_enough_for_all() -> None:
    web = {"app": "web"}
    every = [thing(kind, "web", {"matchLabels": web}) for kind in ("ReplicaSet", "Deployment", "PodDisruptionBudget")]
    every += [thing("Service", "web", web), thing("ReplicationController", "web", web)]
    every += [allow("web", {"matchLabels": web}, Direction.INGRESS)]
    plan = solve({"app": "web", "pod-template-hash": "1"}, UID, claims(*every))
    assert plan.labels == {"pod-template-hash": "1", marks.QUARANTINE: UID}
    assert set(names(plan)[0]) == {f"{kind['kind']} web" for kind in every}
    assert plan.left == ()


@pytest.mark.parametrize(
    "known",
    [
        thing("Service", "external", None),
        thing("Service", "headless", {}),
        thing("PodDisruptionBudget", "none", None),
        thing("Job", "none", {"matchLabels": "nonsense"}),
        thing("Elsewhere", "x", {"matchLabels": {"app": "web"}}),
        allow("deny", {}),
        {"kind": "Service"},
    ],
)
def test_what_finds_no_pod(known: Json) -> None:
    assert claims(known) == []


def test_an_empty_budget_counts_every_pod_and_is_given_up_first() -> None:
    plan = solve(
        {"app": "web"}, UID, claims(thing("PodDisruptionBudget", "all", {}), thing("Service", "s", {"app": "web"}))
    )
    assert plan.labels == {marks.QUARANTINE: UID}
    assert names(plan) == (["Service s"], ["PodDisruptionBudget all"])
    assert (plan.left[0].alone, plan.left[0].certain) == (True, True)


def test_policies_come_before_everything_else() -> None:
    tier = {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}
    objects = [allow("no-tier", tier, Direction.INGRESS), thing("Service", "tier", {"tier": "x"})]
    objects += [thing("PodDisruptionBudget", "any", {"matchExpressions": [{"key": "tier", "operator": "Exists"}]})]
    plan = solve({"tier": "x"}, UID, claims(*objects))
    assert plan.labels["tier"] not in ("", "x")
    assert names(plan) == (["Service tier"], ["PodDisruptionBudget any"])
    assert not plan.left[0].alone


def test_a_whole_direction_comes_before_parts_of_both() -> None:
    app = {"matchLabels": {"app": "web"}}
    no_app = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}
    way_out = allow("a", app, Direction.EGRESS)
    plan = solve({"app": "web"}, UID, claims(way_out, allow("b", no_app, Direction.INGRESS)))
    assert plan.labels == {marks.QUARANTINE: UID}
    everyone = allow("c", {}, Direction.EGRESS)
    plan = solve({"app": "web"}, UID, claims(way_out, allow("b", no_app, Direction.INGRESS), everyone))
    assert plan.labels == {"app": "web", marks.QUARANTINE: UID}


def test_what_is_kept_is_kept_and_our_label_stays() -> None:
    web = claims(
        thing("Service", "web", {"app": "web"}), allow("q", {"matchLabels": {marks.QUARANTINE: UID}}, *Direction)
    )
    keep = [requirement("app", "In", "web")]
    for labels in ({"app": "web"}, {"app": "web", marks.QUARANTINE: UID}):
        plan = solve(labels, UID, web, keep)
        assert plan.labels == {"app": "web", marks.QUARANTINE: UID}
        assert names(plan)[1] == ["NetworkPolicy q", "Service web"]


def open_directions(labels: Labels, policies: list[Json]) -> set[Direction]:
    ours = marks.quarantine(PodRef("n", "pod"), UID, "", "")
    left = residuals({**labels, marks.QUARANTINE: UID}, [*policies, ours], marks.policy_name(UID))
    return {residual.direction for residual in left}


directions = st.lists(st.sampled_from(Direction), min_size=1, max_size=2, unique=True)


def closed_where_it_can_be(labels: dict[str, str], chosen: list[Selector], ways: list[list[Direction]]) -> None:
    policies = [allow(f"p{n}", written(one), *way) for n, (one, way) in enumerate(zip(chosen, ways, strict=False))]
    plan = solve(labels, UID, claims(*policies))
    left = open_directions(plan.labels, policies)
    best = [
        open_directions({key: value for key, value in zip(KEYS, values, strict=True) if value is not None}, policies)
        for values in product((None, *VALUES), repeat=len(KEYS))
    ]
    assert left in best
    assert len(left) == min(map(len, best)), "no label set closes more directions"
    if {Direction.INGRESS} in best and len(left) == 1:
        assert left == {Direction.INGRESS}, "egress is closed first"
    assert {way for one in plan.left for way in one.claim.directions} == left


@settings(max_examples=60)
@given(label_sets, selectors, st.lists(directions, min_size=6, max_size=6))
def test_a_direction_that_some_label_set_closes_is_closed(
    labels: dict[str, str], chosen: list[Selector], ways: list[list[Direction]]
) -> None:
    closed_where_it_can_be(labels, chosen, ways)


@pytest.mark.slow
@settings(max_examples=1_000)
@given(label_sets, selectors, st.lists(directions, min_size=6, max_size=6))
def test_a_direction_that_some_label_set_closes_is_closed_a_thousand_times(
    labels: dict[str, str], chosen: list[Selector], ways: list[list[Direction]]
) -> None:
    closed_where_it_can_be(labels, chosen, ways)


def written(one: Selector) -> Json:
    """A selector as a manifest has it."""
    terms = [(term, {"values": sorted(term.values)} if term.values else {}) for term in one.requirements]
    return {"matchExpressions": [{"key": term.key, "operator": term.operator, **more} for term, more in terms]}


OWNED = {"app": "web", "pod-template-hash": "1"}


def said(kind: str, *objects: Json, labels: Labels = OWNED, read: bool = True) -> list[str]:
    """What is said of a pod that a controller of `kind` owns."""
    reference = {"kind": kind, "name": "own", "uid": "uid-own", "controller": True}
    pod = {"metadata": {"ownerReferences": [{"kind": "Other"}, reference]}}
    every = claims(*objects, *([thing(kind, "own", {"matchLabels": {"app": "web"}})] if read else []))
    owner = controller(pod, every)
    assert owner is not None
    asked = [claim for claim in every if not (owner.keeps and claim.uid == owner.uid)]
    return list(consequences(solve(labels, UID, asked, owner.fixed(labels)), owner))


def test_what_becomes_of_the_workload_is_said() -> None:
    service = thing("Service", "web", {"app": "web"})
    goes = "lets go of the pod and starts another"
    either = "on release it may delete either of the two"
    assert said("ReplicaSet", service) == [f"ReplicaSet own {goes}; {either}", "Service web loses an endpoint"]
    assert said("DaemonSet") == [f"DaemonSet own {goes} on the same node; {either}"]
    keeps = "Service web keeps the pod: its clients get no answer from it"
    assert said("StatefulSet", service) == [
        "StatefulSet own keeps the pod: a replacement would need the pod's own name", keeps,
    ]  # fmt: skip
    assert said("Job") == ["Job own keeps the pod: a replacement would do the Job's work a second time"]
    assert said("StatefulSet", service, read=False)[1:] == [keeps]
    assert said("CloneSet") == [
        "irkit does not know how CloneSet own counts its pods: whether it replaces this one is not known"
    ]
    assert said("ReplicaSet", read=False) == [
        "ReplicaSet own could not be read: whether it lets go of the pod is not known"
    ]
    every = {"kind": "ReplicaSet", "metadata": {"name": "all", "uid": "x"}, "spec": {"selector": {}}}
    assert said("DaemonSet", every)[1:] == ["ReplicaSet all may adopt the pod: its selector matches"]


def test_why_a_policy_cannot_be_evaded_is_said() -> None:
    cannot = "; only its edit, or another engine's deny, closes it"
    assert said("StatefulSet", allow("all", {}, Direction.INGRESS))[0] == (
        f"NetworkPolicy all still selects the pod: it selects every pod{cannot}"
    )
    web = allow("web", {"matchLabels": {"app": "web"}}, Direction.INGRESS)
    assert said("StatefulSet", web)[0] == (
        "NetworkPolicy web still selects the pod: it selects app=web, and no label of the pod that may change evades "
        f"that{cannot}"
    )
    no_app = allow("b", {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, *Direction)
    assert said("CloneSet", web, no_app)[0] == (
        "NetworkPolicy web still selects the pod: it selects app=web, and evading that would let another in" + cannot
    )


def test_only_a_static_pod_or_a_bare_one_has_no_controller() -> None:
    node = {"metadata": {"ownerReferences": [{"kind": "Node", "name": "n", "uid": "u", "controller": True}]}}
    assert controller(node) is None
    assert controller({"metadata": {}}) is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"a": "1"}, {"q": "u"}, "labels a removed, q=u set"),
        ({}, {"q": "u"}, "label q=u set"),
        ({"q": "v"}, {"q": "u"}, "label q=u set"),
    ],
)
def test_changes_in_words(before: Labels, after: Labels, said: str) -> None:
    assert changed(before, after) == said


def test_unchanged_puts_on_our_label_only() -> None:
    plan = unchanged({"app": "web"}, UID, claims(allow("web", {"matchLabels": {"app": "web"}}, Direction.EGRESS)))
    assert plan.labels == {"app": "web", marks.QUARANTINE: UID}
    assert names(plan) == ([], ["NetworkPolicy web"])


def test_a_search_that_was_given_up_is_said() -> None:
    many = [allow(f"p{n}", written(one), Direction.INGRESS) for n, one in enumerate(holes(12, 11))]
    plan = solve({}, UID, claims(*many))
    assert plan.left
    assert not any(left.certain for left in plan.left)
    assert "the search for labels that evade it was given up" in next(iter(consequences(plan, None)))
    labels, triple = triples(0, 60, 300)
    plan = solve(labels, UID, claims(*(allow(f"p{n}", written(one), *Direction) for n, one in enumerate(triple))))
    assert plan.left == ()
    assert list(consequences(plan, None)) == [
        "fewer label changes might do as well: the search for the fewest was given up"
    ]


def test_two_thousand_policies_are_quick() -> None:
    many = [allow(f"p{n}", {"matchLabels": {"app": f"app-{n}"}}, Direction.INGRESS) for n in range(2000)]
    plan = solve({"app": "app-7"}, UID, claims(*many, allow("all", {}, Direction.INGRESS)))
    assert (plan.labels, names(plan)[1]) == ({marks.QUARANTINE: UID}, ["NetworkPolicy all"])
    assert selector() == plan.left[0].claim.selector
