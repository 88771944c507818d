"""Every kind of workload isolated, proved and released, with hostile policies around, against packets of our own."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import pytest

from irkit.cluster.protocol import Json
from irkit.contain.hand import Hand
from irkit.contain.preserve.keep import Preserving
from irkit.contain.proof.nouns import Proving
from irkit.contain.quarantine import Extent, quarantine
from irkit.contain.release import release
from irkit.errors import AlreadyExists
from irkit.model.isolation import Change, Direction, Isolation, Verdict
from irkit.model.pod import PodRef
from tests.cluster.real import ONE_AT_A_TIME
from tests.contain.packets.playground import Pair, Playground, container, policy
from tests.contracts.worlds import IMAGE
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow, ONE_AT_A_TIME]

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod")
VERSIONS = {"Job": "batch/v1", "Pod": "v1"}
# The one whose pod may not lose a label by which its controller knows it.
STAYS = "StatefulSet"
COST = "controller.kubernetes.io/pod-deletion-cost"
CLIENTS = "bc"  # one of the same namespace, one of another


def workload(kind: str, namespace: str) -> Json:
    """One pod of the kind, labelled app=KIND, listening."""
    name = kind.lower()
    labels, meta = {"app": name}, {"name": name, "namespace": namespace}
    spec: Json = {"containers": [container()], "terminationGracePeriodSeconds": 0}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": kind, "metadata": {**meta, "labels": labels}, "spec": spec}
    if kind == "Job":
        whole: Json = {"template": {"metadata": {"labels": labels}, "spec": {**spec, "restartPolicy": "Never"}}}
    else:
        whole = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}
    return {"apiVersion": VERSIONS.get(kind, "apps/v1"), "kind": kind, "metadata": meta, "spec": whole}


Victims = dict[str, PodRef]  # by kind


@pytest.fixture(scope="module")
def scene(ground: Playground) -> tuple[Playground, Victims]:
    """All five kinds, listening, the same for every test: what is released is as it was."""
    return victims(ground)


def victims(play: Playground) -> tuple[Playground, Victims]:
    """The playground once it knows their addresses, too."""
    home = play.spaces[0]
    play.real.apply(*(workload(kind, home) for kind in KINDS))
    for kind in KINDS:
        selected = ["-n", home, "-l", f"app={kind.lower()}"]
        play.real.kubectl("wait", "--for=create", "--timeout=60s", "pod", *selected)
        play.real.kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod", *selected)
    pods = {kind: listed(play, "pods", f"app={kind.lower()}")[0] for kind in KINDS}
    # Of two pods of like age a ReplicaSet deletes either, unless one costs more.
    play.real.kubectl("annotate", "pod", pods["Deployment"]["metadata"]["name"], "-n", home, f"{COST}=100")
    refs = {kind: PodRef(home, pod["metadata"]["name"], pod["metadata"]["uid"]) for kind, pod in pods.items()}
    known = {refs[kind].name: pod["status"]["podIP"] for kind, pod in pods.items()}
    return replace(play, addresses={**play.addresses, **known}), refs


def listed(play: Playground, kinds: str, selector: str = "") -> list[Json]:
    found = play.real.kubectl("get", kinds, "-n", play.spaces[0], "-l", selector, "-o", "json")
    items: list[Json] = json.loads(found)["items"]
    return items


def hostile(play: Playground, *, evadable: bool) -> list[Json]:
    """What admits everybody: by the pods' own labels, by labels that they lack; what cannot be evaded, by none."""
    home = play.spaces[0]
    everything: Json = {"ingress": [{}], "egress": [{}]}
    if not evadable:
        return [policy("everything", home, {}, **everything)]
    own = [policy(f"own-{kind.lower()}", home, {"matchLabels": {"app": kind.lower()}}, **everything) for kind in KINDS]
    lacking = {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}
    other = {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["x"]}]}
    return [
        *(one for one in own if one["metadata"]["name"] != f"own-{STAYS.lower()}"),
        policy("lacking", home, lacking, ingress=[{}]),
        policy("other", home, other, egress=[{}]),
    ]


def isolated(play: Playground, kind: str, ref: PodRef) -> Isolation:
    """A policy for the pod's own labels comes up in the middle, and a bare pod is called out of, too."""

    def meanwhile(change: Change) -> None:
        late = policy(f"late-{kind.lower()}", ref.namespace, {"matchLabels": {"app": kind.lower()}}, egress=[{}])
        if change.kind == "Pod" and change.name == ref.name and "irkit.dev/quarantine" in change.detail:
            came_up(play, late)

    extent = Extent(preserve=Preserving(), prove=Proving(IMAGE, (80, 8080), inside=kind == "Pod"))
    before = (lambda _: None) if kind == STAYS else meanwhile
    return quarantine(ref, Hand(play.cluster, before, False), extent, case="IR-7", run="")


def came_up(play: Playground, body: Json) -> None:
    path = f"/apis/networking.k8s.io/v1/namespaces/{body['metadata']['namespace']}/networkpolicies"
    try:
        play.cluster.create(path, body)
    except AlreadyExists:
        return  # a second round of planning


def passing(play: Playground, refs: Victims) -> dict[str, dict[Direction, set[Pair]]]:
    """What gets into each pod from clients, and out of it to them."""
    names = [ref.name for ref in refs.values()]
    with ThreadPoolExecutor(len(names)) as pool:
        into = {pair for pairs in pool.map(lambda client: play.calls(client, names), CLIENTS) for pair in pairs}
        out = dict(zip(names, pool.map(lambda name: play.calls(name, list(CLIENTS)), names), strict=True))
    return {
        kind: {Direction.INGRESS: {pair for pair in into if pair[1] == ref.name}, Direction.EGRESS: out[ref.name]}
        for kind, ref in refs.items()
    }


def told(play: Playground, kinds: str) -> dict[str, Json]:
    """Objects by name, without what changes by itself."""
    return {f"{one['kind']}/{one['metadata']['name']}": plain(one) for one in listed(play, kinds)}


def plain(one: Json) -> Json:
    """An ephemeral container, which nobody can take off again, counts as a change of the spec."""
    aside = {"resourceVersion", "managedFields"} | ({"generation"} if one["metadata"]["name"] == "pod" else set())
    metadata = {key: value for key, value in one["metadata"].items() if key not in aside}
    return {"metadata": metadata, "spec": {k: v for k, v in one["spec"].items() if k != "ephemeralContainers"}}


LASTING = "pods,networkpolicies,poddisruptionbudgets,services,deployments,replicasets,statefulsets,daemonsets,jobs"


@pytest.mark.parametrize(("enforced", "evadable"), list(product((True, False), repeat=2)))
def test_no_verdict_is_contradicted_by_a_packet(
    scene: tuple[Playground, Victims], enforced: bool, evadable: bool
) -> None:
    play, refs = scene
    with play.real.enforcing(enforced), play.policies(*hostile(play, evadable=evadable), enforced=enforced):
        were, before = told(play, LASTING), passing(play, refs)
        assert all(before[kind][direction] for kind in KINDS for direction in Direction)
        with ThreadPoolExecutor(len(refs)) as pool:
            done = dict(zip(refs, pool.map(lambda kind: isolated(play, kind, refs[kind]), refs), strict=True))
        play.settled(enforced=enforced)
        during = passing(play, refs)
        for kind in KINDS:
            for direction, verdict in done[kind].verdict.items():
                through = during[kind][direction]
                where = (kind, direction, verdict, through, done[kind].proof)
                assert not (verdict is Verdict.PROVEN and through), where
                assert not (verdict is Verdict.INEFFECTIVE and not through), where
                assert bool(through) is not (enforced and evadable), where
                if direction is Direction.INGRESS or kind == "Pod":
                    assert verdict is (Verdict.PROVEN if enforced and evadable else Verdict.INEFFECTIVE), where
        for ref in refs.values():
            release(ref, play.cluster, before=lambda _: None)
        late = [f"late-{kind.lower()}" for kind in KINDS]
        play.real.kubectl("delete", "networkpolicy", *late, "-n", play.spaces[0], "--ignore-not-found")
        play.settled(enforced=enforced)
        assert passing(play, refs) == before
        until(lambda: told(play, LASTING).keys() == were.keys())
        assert told(play, LASTING) == were
