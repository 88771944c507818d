"""An audit log of any size, real-shaped and the same on every machine: what the audit benchmarks read.

The mix follows a log of a real 1.37 API server: leases, watches and lists of controllers at Metadata, changes at
RequestResponse with bodies, the kubelet's status patches, Events, secrets, pods that ask with tokens of their own, here
and there an attack. `VICTIM` is one pod among 2,000; about one event in 4,000 concerns it.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 1, tzinfo=UTC)
NAMESPACES = ["payments", "shop", "search", "kube-system", "monitoring"]
Event = dict[str, Any]


class Pod:
    """One of the pods of the log."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.namespace = NAMESPACES[number % len(NAMESPACES)]
        self.name = f"web-{number}-{dice.getrandbits(40):010x}"
        self.uid = _uuid(dice)
        self.node = f"node-{number % 50}"
        self.owner = f"ReplicaSet/{self.name.rpartition('-')[0]}"
        self.address = f"10.128.{number >> 8}.{number & 255}"


def _uuid(dice: random.Random) -> str:
    bits = f"{dice.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"


def _pods() -> list[Pod]:
    dice = random.Random(7)  # noqa: S311 - the same log everywhere is the point
    return [Pod(number, dice) for number in range(2000)]


PODS = _pods()
VICTIM = PODS[0]


def _event(dice: random.Random, user: Event, verb: str, uri: str, ref: Event | None, level: str = "Metadata") -> Event:
    made: Event = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level, "auditID": _uuid(dice)}
    made |= {"stage": "ResponseComplete", "requestURI": uri, "verb": verb, "user": user}
    made |= {"sourceIPs": [f"10.0.{dice.randrange(4)}.{dice.randrange(250)}"]}
    made |= {"userAgent": "kube-controller-manager/v1.37.2 (linux/amd64) kubernetes/1b6b2b3"}
    if ref:
        made["objectRef"] = ref
    made["responseStatus"] = {"metadata": {}, "code": 201 if verb == "create" else 200}
    return made


def _node(pod: Pod) -> Event:
    extra = {"authentication.kubernetes.io/credential-id": ["X509SHA256=" + "6ad624fd9d1051d5" * 4]}
    return {"username": f"system:node:{pod.node}", "groups": ["system:nodes", "system:authenticated"], "extra": extra}


def _controller(name: str) -> Event:
    groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"]
    return {"username": f"system:serviceaccount:kube-system:{name}", "uid": "26d6c7a7-2e79-46c0", "groups": groups}


def _container(pod: Pod) -> Event:
    resources = {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}}
    mounts = [
        {"name": "kube-api-access", "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    ]
    return {"name": "app", "image": "registry.example/web:1.4", "resources": resources, "volumeMounts": mounts}


def _lease(dice: random.Random, pod: Pod) -> Event:
    uri = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{pod.node}?timeout=10s"
    ref: Event = {"resource": "leases", "namespace": "kube-node-lease", "name": pod.node, "uid": _uuid(dice)}
    ref |= {"apiGroup": "coordination.k8s.io", "apiVersion": "v1", "resourceVersion": str(dice.randrange(10**7))}
    return _event(dice, _node(pod), "update", uri, ref)


def _watch(dice: random.Random, pod: Pod) -> Event:
    kind = dice.choice(["pods", "services", "configmaps", "nodes", "endpoints"])
    uri = f"/api/v1/{kind}?allowWatchBookmarks=true&resourceVersion={dice.randrange(10**7)}&timeout=9m41s&watch=true"
    return _event(dice, _controller("generic-garbage-collector"), "watch", uri, {"resource": kind, "apiVersion": "v1"})


def _list(dice: random.Random, pod: Pod) -> Event:
    uri = f"/api/v1/namespaces/{pod.namespace}/pods?labelSelector=app%3Dweb&limit=500"
    ref = {"resource": "pods", "namespace": pod.namespace, "apiVersion": "v1"}
    return _event(dice, _controller("replicaset-controller"), "list", uri, ref)


def _secret(dice: random.Random, pod: Pod) -> Event:
    uri = f"/api/v1/namespaces/{pod.namespace}/secrets/token-{pod.node}"
    ref = {"resource": "secrets", "namespace": pod.namespace, "name": f"token-{pod.node}", "apiVersion": "v1"}
    return _event(dice, _node(pod), "get", uri, ref)


def _status(dice: random.Random, pod: Pod) -> Event:
    uri = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/status"
    ref = {"resource": "pods", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid, "apiVersion": "v1"}
    made = _event(dice, _node(pod), "patch", uri, ref | {"subresource": "status"}, "RequestResponse")
    conditions = [{"type": kind, "status": "True", "lastProbeTime": None} for kind in ("Ready", "Initialized")]
    made["requestObject"] = {"metadata": {"uid": pod.uid}, "status": {"conditions": conditions}}
    meta = {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid, "labels": {"app": "web"}}
    spec = {
        "containers": [_container(pod)],
        "nodeName": pod.node,
        "serviceAccountName": "web",
        "dnsPolicy": "ClusterFirst",
    }
    made["responseObject"] = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": meta,
        "spec": spec,
        "status": {"phase": "Running"},
    }
    return made


def _told(dice: random.Random, pod: Pod) -> Event:
    uri = f"/api/v1/namespaces/{pod.namespace}/events"
    ref = {"resource": "events", "namespace": pod.namespace, "name": f"{pod.name}.17{dice.getrandbits(48):012x}"}
    made = _event(dice, _node(pod), "create", uri, ref | {"apiVersion": "v1"}, "RequestResponse")
    about = {"kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid, "apiVersion": "v1"}
    body = {"kind": "Event", "apiVersion": "v1", "metadata": {"name": ref["name"], "namespace": pod.namespace}}
    body |= {"involvedObject": about, "reason": "Pulled", "message": "Container image already present on machine"}
    return made | {"requestObject": body, "responseObject": body}


def _discovery(dice: random.Random, pod: Pod) -> Event:
    return _event(dice, _controller("resourcequota-controller"), "get", "/apis/apps/v1", None)


def _inside(dice: random.Random, pod: Pod) -> Event:
    """A pod that watches its configuration with a token of its own, as operators do."""
    uri = f"/api/v1/namespaces/{pod.namespace}/configmaps?allowWatchBookmarks=true&timeoutSeconds=431&watch=true"
    ref: Event = {"resource": "configmaps", "namespace": pod.namespace, "apiVersion": "v1"}
    told = {"credential-id": f"JTI={_uuid(dice)}", "node-name": pod.node, "pod-name": pod.name, "pod-uid": pod.uid}
    extra = {f"authentication.kubernetes.io/{key}": [value] for key, value in told.items()}
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{pod.namespace}", "system:authenticated"]
    user: Event = {"username": f"system:serviceaccount:{pod.namespace}:web", "groups": groups, "extra": extra}
    return _event(dice, user, "watch", uri, ref) | {"sourceIPs": [pod.address]}


def _exec(dice: random.Random, pod: Pod) -> Event:
    uri = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/exec?command=sh&container=app&stdin=true&tty=true"
    ref = {"resource": "pods", "namespace": pod.namespace, "name": pod.name, "apiVersion": "v1", "subresource": "exec"}
    user = {"username": "mallory@example.com", "groups": ["dev", "system:authenticated"]}
    return _event(dice, user, "get", uri, ref) | {"responseStatus": {"metadata": {}, "code": 101}}


MIX: list[tuple[Callable[[random.Random, Pod], Event], int]] = [
    (_lease, 3000),
    (_watch, 1500),
    (_list, 1200),
    (_secret, 500),
    (_status, 1800),
    (_told, 1000),
    (_discovery, 990),
    (_inside, 1500),
    (_exec, 2),
]


def _lines(count: int, seed: int) -> Iterator[bytes]:
    dice = random.Random(seed)  # noqa: S311
    makers, weights = zip(*MIX, strict=True)
    for number, maker in enumerate(dice.choices(makers, weights, k=count)):
        made = maker(dice, PODS[dice.randrange(len(PODS))])
        at = START + timedelta(milliseconds=41 * number)
        made["requestReceivedTimestamp"] = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        made["stageTimestamp"] = (
            (at + timedelta(milliseconds=3)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        )
        reason = 'RBAC: allowed by ClusterRoleBinding "system:controllers" of ClusterRole "system:controllers"'
        made["annotations"] = {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": reason}
        yield json.dumps(made, separators=(",", ":")).encode().replace(b"&", b"\\u0026") + b"\n"


def make(path: Path, size: int) -> None:
    """Fill `path` as `write` does, by another process: a contestant's peak memory counts from that of its parent."""
    subprocess.run([sys.executable, "-m", "benchmarks._auditlog", str(path), str(size)], check=True)


def write(path: Path, size: int) -> None:
    """Fill `path` with about `size` bytes of log: a hundred thousand events, then again with other ids and days."""
    block = b"".join(_lines(100_000, seed=11))
    with path.open("wb") as out:
        for turn in itertools.count():
            left = size - out.tell()
            if left <= 0:
                return
            day = b"2026-%02d-%02dT" % (1 + turn // 28 % 12, 1 + turn % 28)
            data = re.sub(rb'"auditID":"....', b'"auditID":"%04x' % turn, block).replace(b"2026-11-01T", day)
            out.write(data[: data.find(b"\n", left) + 1] if len(data) > left else data)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
