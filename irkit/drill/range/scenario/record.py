"""The audit log of the evening: the attack, and the controllers and kubelets that go on around it."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from irkit.drill.range.access.audit import level_of
from irkit.drill.range.answer import Json, encode
from irkit.drill.range.request import understand
from irkit.drill.range.scenario.cast import NODES, uid
from irkit.drill.range.scenario.clock import ago
from irkit.drill.range.scenario.objects import VICTIM, data
from irkit.times import rfc3339

Timed = tuple[datetime, bytes]

_METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETE"}
_NIGHT = timedelta(hours=2)


def lines(now: datetime, rng: random.Random) -> Iterator[bytes]:
    """The lines of the last two hours, in order."""
    yield from (line for _, line in sorted([*_attack(now, rng), *_routine(now, rng)]))


def _attack(now: datetime, rng: random.Random) -> Iterator[Timed]:
    victim = json.loads(data("victim.json"))["metadata"]["uid"]
    marks = {"authentication.kubernetes.io/pod-name": [VICTIM], "authentication.kubernetes.io/pod-uid": [victim]}
    groups = ["system:serviceaccounts", "system:serviceaccounts:payments", "system:authenticated"]
    web: Json = {"username": "system:serviceaccount:payments:web", "uid": uid("ServiceAccount", "payments", "web"),
           "groups": groups, "extra": marks}  # fmt: skip
    who: dict[str, Json] = {
        "web": web,
        "dev": {"username": "dev@example.com", "groups": ["developers", "system:authenticated"]},
    }
    for line in data("attack.jsonl").splitlines():
        told = json.loads(line)
        event = _event(
            ago(told["at"], now), rng, who[told["who"]], told["verb"], told["path"], told["ip"], told["agent"]
        )
        reference = event["objectRef"]
        if "name" in told:
            reference["name"] = told["name"]
        if "body" in told and told["code"] < 300:
            event["requestObject"] = event["responseObject"] = told["body"]
        if reference.get("name") == VICTIM:
            reference["uid"] = victim
        yield _finished(event, told["code"])


def _routine(now: datetime, rng: random.Random) -> Iterator[Timed]:
    node = {
        name: {"username": f"system:node:{name}", "groups": ["system:nodes", "system:authenticated"]} for name in NODES
    }
    plane = NODES["node-1"]
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"
    for name, address in NODES.items():
        kubelet = "kubelet/v1.37.2 (linux/amd64) kubernetes/1a2b3c4"
        yield from _every(10, now, rng, node[name], "update", f"{leases}{name}?timeout=10s", address, kubelet)
        yield from _every(
            300, now, rng, node[name], "patch", f"/api/v1/nodes/{name}/status?timeout=10s", address, kubelet
        )
        path = "/api/v1/pods?allowWatchBookmarks=true&watch=true"
        yield from _every(480, now, rng, node[name], "watch", path, address, kubelet)
    yield from _kubelet_of_the_victim(now, rng, node["node-2"])
    for who, every in (("kube-controller-manager", 5), ("kube-scheduler", 5)):
        user = {"username": f"system:{who}", "groups": ["system:authenticated"]}
        path = f"/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/{who}?timeout=5s"
        yield from _every(every, now, rng, user, "update", path, plane, f"{who}/v1.37.2 (linux/amd64) leader-election")
    dns = {"username": "system:serviceaccount:kube-system:coredns", "groups": ["system:serviceaccounts"]}
    path = "/apis/discovery.k8s.io/v1/endpointslices?allowWatchBookmarks=true&watch=true"
    yield from _every(420, now, rng, dns, "watch", path, "10.244.1.3", "coredns/v1.12.1")
    bot = {"username": "system:serviceaccount:ci:release-bot", "groups": ["system:serviceaccounts"]}
    path = "/apis/apps/v1/namespaces/payments/deployments/web"
    yield from _every(600, now, rng, bot, "get", path, "10.244.3.77", "release-bot/3.1")


def _kubelet_of_the_victim(now: datetime, rng: random.Random, user: Json) -> Iterator[Timed]:
    kubelet = "kubelet/v1.37.2 (linux/amd64) kubernetes/1a2b3c4"
    status = f"/api/v1/namespaces/payments/pods/{VICTIM}/status"
    for moment in ("-35m10s", "-31m2s", "-31m", "-30m58s", "-30m40s"):
        event = _event(ago(moment, now), rng, user, "patch", status, NODES["node-2"], kubelet)
        yield _finished(event, 200)
    token = "/api/v1/namespaces/payments/serviceaccounts/web/token"  # noqa: S105 - a path
    yield from _every(2900, now, rng, user, "create", token, NODES["node-2"], kubelet, code=201)
    for moment in ("-35m10s", "-31m", "-30m59s", "-9m40s"):
        event = _event(
            ago(moment, now), rng, user, "create", "/api/v1/namespaces/payments/events", NODES["node-2"], kubelet
        )
        yield _finished(event, 201)


def _every(seconds: float, now: datetime, rng: random.Random, *about: Any, code: int = 200) -> Iterator[Timed]:  # noqa: ANN401
    at = now - _NIGHT + timedelta(seconds=rng.random() * seconds)
    routine = _event(at, rng, *about)
    while at < now:
        fresh = {"auditID": _audit_id(rng), "requestReceivedTimestamp": at}
        yield _finished({**routine, **fresh}, code)
        at += timedelta(seconds=seconds * rng.uniform(0.98, 1.02))


def _event(at: datetime, rng: random.Random, user: Json, verb: str, uri: str, address: str, agent: str) -> Json:
    path, _, query = uri.partition("?")
    ask = understand(_METHODS.get(verb, "GET"), path, {"watch": "true"} if "watch=true" in query else {})
    reference = {
        "resource": ask.resource, "namespace": ask.namespace, "name": ask.name, "apiGroup": ask.group,
        "apiVersion": ask.version, "subresource": ask.subresource,
    }  # fmt: skip
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level_of(ask),
        "auditID": _audit_id(rng), "stage": "ResponseComplete",
        "requestURI": uri, "verb": verb, "user": user, "sourceIPs": [address], "userAgent": agent,
        "objectRef": {key: value for key, value in reference.items() if value},
        "requestReceivedTimestamp": at,
    }  # fmt: skip


def _audit_id(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _finished(event: Json, code: int) -> Timed:
    at: datetime = event.pop("requestReceivedTimestamp")
    why = {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow", "authorization.k8s.io/reason": ""}
    status: Json = {"metadata": {}, "code": code}
    if code == 403:
        status |= {"status": "Failure", "reason": "Forbidden"}
    late = timedelta(milliseconds=3)
    bodies: Json = {key: event.pop(key) for key in ("requestObject", "responseObject") if key in event}
    stamps = {"requestReceivedTimestamp": rfc3339(at), "stageTimestamp": rfc3339(at + late)}
    return at, encode({**event, "responseStatus": status, **bodies, **stamps, "annotations": why})
