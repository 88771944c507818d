from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from irkit.audit.matching.judge import judge
from irkit.audit.matching.quarry import Quarry
from irkit.audit.read.blocks import Block
from irkit.audit.read.event import decode
from irkit.audit.read.scan import Needle, hits
from irkit.model.audit import Tier
from irkit.model.pod import Target
from tests.audit.logs import CREDENTIAL, OTHER, POD_UID, START, TARGET, UID, event, line

POD = Quarry.of(TARGET)
ACCOUNT = "system:serviceaccount:payments:web"


def judged(one: dict[str, Any], pod: Quarry = POD) -> tuple[Tier, str] | None:
    data = line(one)
    found = decode(data)
    assert found is not None
    verdict = judge(pod, found)
    assert not verdict or hits(Block(data, 0, len(data)), pod.needles)
    return verdict


def tier(one: dict[str, Any], pod: Quarry = POD) -> Tier | None:
    verdict = judged(one, pod)
    assert verdict is None or verdict[1]
    return verdict[0] if verdict else None


BORNE: dict[str, dict[str, Any]] = {
    "objectRef": event(uid=UID),
    "its own credential": event("list", "secrets", "", user=ACCOUNT, extra={POD_UID: [UID]}),
    "impersonated": event("list", "nodes", "", impersonatedUser={"username": ACCOUNT, "extra": {POD_UID: [UID]}}),
    "the answer": event("create", name="", responseObject={"kind": "Pod", "metadata": {"name": "web-1", "uid": UID}}),
    "the request": event("update", requestObject={"kind": "Pod", "metadata": {"uid": UID}}),
    "a deletion": event("delete", requestObject={"kind": "DeleteOptions", "preconditions": {"uid": UID}}),
    "an eviction": event("create", sub="eviction", requestObject={"deleteOptions": {"preconditions": {"uid": UID}}}),
    "a binding": event("create", sub="binding", requestObject={"kind": "Binding", "metadata": {"uid": UID}}),
    "a token": event("create", "serviceaccounts", "web", requestObject={"spec": {"boundObjectRef": {"uid": UID}}}),
    "an Event": event("create", "events", "web-1.17", requestObject={"involvedObject": {"uid": UID}}),
    "a new Event": event("create", "events", "web-1.18", requestObject={"regarding": {"uid": UID}}),
}


@pytest.mark.parametrize("where", BORNE)
def test_the_uid_is_found_wherever_it_may_stand(where: str) -> None:
    assert tier(BORNE[where]) is Tier.UID


@pytest.mark.parametrize("sub", ["", "exec", "attach", "portforward", "log", "status", "ephemeralcontainers"])
def test_the_name_matches_with_any_subresource(sub: str) -> None:
    assert judged(event("get", sub=sub)) == (Tier.NAME, "objectRef names the pod, within its lifetime")


@pytest.mark.parametrize(
    "other",
    [
        event(name="web-10"),
        event(name="web"),
        event(namespace="shop"),
        event(resource="configmaps"),
        event(uid=OTHER),
        event("delete", requestObject={"preconditions": {"uid": OTHER}}),
        event("get", responseObject={"kind": "Pod", "metadata": {"name": "web-1", "uid": OTHER}}),
        event(seconds=-5),
        event("list", "secrets", "", user=ACCOUNT, extra={POD_UID: [OTHER]}),
        event("list", "secrets", "", user=ACCOUNT, seconds=-5),
        event("list", "secrets", "", user=ACCOUNT + "-2"),
    ],
)
def test_what_concerns_another_pod_does_not_match(other: dict[str, Any]) -> None:
    assert judged(other) is None


def test_the_creation_belongs_to_the_pod_although_it_was_asked_for_before_the_pod_was() -> None:
    creation = event("create", seconds=-0.2, code=201, stageTimestamp=START.strftime("%Y-%m-%dT%H:%M:%S.4Z"))
    assert tier(creation) is Tier.NAME
    assert tier(event("get", seconds=-0.2)) is None


def test_without_a_uid_and_a_lifetime_the_name_alone_decides() -> None:
    pod = Quarry.of(Target("payments", "web-1", ""))
    assert judged(event(seconds=-5000), pod) == (Tier.NAME, "objectRef names the pod; its lifetime is not known")
    assert tier(event(uid=OTHER), pod) is Tier.NAME


def test_a_uid_alone_is_enough() -> None:
    pod = Quarry("", "", UID)
    assert pod.needles == (Needle(UID.encode()),)
    assert tier(event(uid=UID), pod) is Tier.UID
    assert tier(event(), pod) is None
    assert tier(event(name="", namespace=""), pod) is None


def test_the_service_account_without_a_bound_credential() -> None:
    verdict = judged(event("list", "secrets", "", user=ACCOUNT))
    assert verdict == (Tier.SERVICE_ACCOUNT, "made as the pod's service account, with a credential bound to no pod")
    assert tier(event("list", "secrets", "", impersonatedUser={"username": ACCOUNT})) is Tier.SERVICE_ACCOUNT


def test_a_credential_that_the_pod_had_minted() -> None:
    pod = POD.chained(["5dd5"])
    stolen = event(
        "list", "secrets", "", user="system:serviceaccount:kube-system:admin", extra={CREDENTIAL: ["JTI=5dd5"]}
    )
    assert judged(stolen, pod) == (Tier.SERVICE_ACCOUNT, "uses a token that the pod's own identity had minted")
    assert tier(stolen) is None


def test_a_patch_body_is_a_list() -> None:
    assert tier(event("patch", requestObject=[{"op": "test", "path": "/metadata/uid", "value": OTHER}])) is Tier.NAME


LINKED = Quarry.of(replace(TARGET, owner="ReplicaSet/web", pod_ips=("10.88.0.5", "fd00::5"), node="node1"))
UNNAMED = event("create", name="", seconds=0.5, code=201)


def test_a_creation_without_a_name_is_known_by_its_second() -> None:
    asked = {"metadata": {"generateName": "web-"}}
    answered = {"kind": "Pod", "metadata": {"uid": OTHER}}
    assert tier(UNNAMED) is Tier.GENERATED_NAME
    assert judged(UNNAMED | {"requestObject": asked}) == (
        Tier.GENERATED_NAME,
        "created as web-* in the second the pod was",
    )
    others = [
        UNNAMED | {"requestObject": {"metadata": {"generateName": "db-"}}},
        UNNAMED | {"requestObject": asked, "responseObject": answered},
        event("create", name="", seconds=2.5, code=201),
        event("create", name="", seconds=0.5, code=403),
        event("create", name="", seconds=0.5, code=201, namespace="shop"),
        event("list", name="", seconds=0.5),
    ]
    assert [tier(other) for other in others] == [None] * len(others)


RELATED: dict[str, dict[str, Any]] = {
    "through the node": event(
        "get",
        "nodes",
        "node1",
        "",
        sub="proxy",
        requestURI="/api/v1/nodes/node1/proxy/exec/payments/web-1/app?command=sh",
    ),
    "from its address": event("list", "secrets", "", user="mallory", sourceIPs=["1.2.3.4", "10.88.0.5"]),
    "its owner": event("patch", "replicasets", "web"),
    "its node": event("patch", "nodes", "node1", "", user="mallory"),
    "a token for it": event("create", "serviceaccounts", "web", sub="token", user="system:node:node1", code=201),
    "a reference": event(
        "update", "endpointslices", "web-x", requestObject={"endpoints": [{"targetRef": {"uid": UID}}]}
    ),
}


@pytest.mark.parametrize("how", RELATED)
def test_what_is_only_related(how: str) -> None:
    assert tier(RELATED[how], LINKED) is Tier.RELATED


@pytest.mark.parametrize(
    "other",
    [
        event("get", "nodes", "node1", "", sub="proxy", requestURI="/api/v1/nodes/n/proxy/exec/payments/web-10/app"),
        event("get", "nodes", "node1", "", requestURI="/api/v1/nodes/n?x=/payments/web-1/"),
        event("list", "secrets", "", sourceIPs=["10.88.0.5", "1.2.3.4"]),
        event("list", "secrets", "", sourceIPs=["10.88.0.5"], user="system:node:node1"),
        event("list", "secrets", "", sourceIPs=["10.88.0.5"], extra={POD_UID: [OTHER]}),
        event("list", "secrets", "", sourceIPs=["10.88.0.5"], seconds=-9),
        event("get", "replicasets", "web"),
        event("patch", "nodes", "node1", "", sub="status", user="system:node:node1"),
        event("create", "nodes", "node1", "", sub="proxy", requestURI="/api/v1/nodes/node1/proxy/exec/x/db-1/app"),
        event("patch", "nodes", "node2", ""),
        event("create", "serviceaccounts", "web", sub="token", user="system:node:node2", code=201),
        event("create", "serviceaccounts", "db", sub="token", user="system:node:node1", code=201),
        event("update", "replicasets", "web", sub="status"),
        event("update", "deployments", "web"),
    ],
)
def test_what_is_not_even_related(other: dict[str, Any]) -> None:
    assert judged(other, LINKED) is None
