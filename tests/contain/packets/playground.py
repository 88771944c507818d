"""Pods of a real cluster that listen and call, so that packets say what policies do."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import PODS
from irkit.model.pod import PodRef
from irkit.settings import ClusterSettings
from tests.cluster.real import RealCluster

PORTS = (80, 81, 8080)
LABELS = {"a": {"app": "web", "tier": "x"}, "b": {"app": "db"}, "c": {"app": "web"}, "d": {}}
GATES = ("left", "right")
PATIENCE = 60  # seconds that a busy machine may take to bring a policy into force

Pair = tuple[str, str, int]  # source, target, port


@dataclass(frozen=True)
class Playground:
    """Pods a and b in one namespace, c and d in another; in a third a watcher and gates, which tell what is in force.

    `turns` counts how often that was asked.
    """

    real: RealCluster
    cluster: Cluster
    spaces: tuple[str, str, str]
    addresses: dict[str, str]
    turns: Iterator[int] = field(default_factory=itertools.count)

    def home(self, pod: str) -> str:
        """The namespace of a pod: of any that a test adds, the first."""
        return self.spaces[{"c": 1, "d": 1, **dict.fromkeys(("watcher", *GATES), 2)}.get(pod, 0)]

    def ref(self, pod: str) -> PodRef:
        return PodRef(self.home(pod), pod)

    def passing(self, pods: str = "abcd") -> set[Pair]:
        """What gets through, from every pod to every other on every port."""
        with ThreadPoolExecutor(len(pods)) as pool:
            called = pool.map(lambda source: self.calls(source, [pod for pod in pods if pod != source]), pods)
            return {pair for pairs in called for pair in pairs}

    def calls(self, source: str, targets: list[str]) -> set[Pair]:
        """All at once: a call that is refused ends at once, and one that waits keeps no other waiting."""
        tries = " ".join(
            f'{{ [ "$({_call(self.addresses[target], port)})" = yes ] && echo {target} {port}; }} &'
            for target in targets
            for port in PORTS
        )
        said = self.inside(source, f"{tries} wait")
        return {(source, target, int(port)) for target, port in map(str.split, said.splitlines())}

    def inside(self, pod: str, program: str) -> str:
        """What a shell program prints in the pod."""
        return self.real.kubectl("exec", "-n", self.home(pod), pod, "-c", "app", "--", "sh", "-c", program)

    @contextmanager
    def policies(self, *policies: Json, enforced: bool = True) -> Iterator[None]:
        """These policies in force, certainly, and no other of the first two namespaces."""
        if policies:
            self.real.apply(*policies)
        try:
            self.settled(enforced=enforced)
            yield
        finally:
            for space in self.spaces[:2]:
                self.real.kubectl("delete", "networkpolicies", "--all", "-n", space)

    def settled(self, *, enforced: bool = True) -> None:
        """Everything changed so far is in force.

        The enforcer hears of pods in one order, and of policies in another. So one gate gets a label that no pod had
        before, and a policy shuts whoever bears it: seen shut, both are in force, and with them all that came earlier.
        """
        if not enforced:
            return
        turn = next(self.turns)
        gate, home = GATES[turn % len(GATES)], self.spaces[2]
        label: Json = {"op": "add", "path": "/metadata/labels/turn", "value": str(turn)}
        self.cluster.patch(PODS.path(home, gate), [label])
        self.real.apply(policy("gate", home, {"matchLabels": {"turn": str(turn)}}, ingress=[]))
        ends = f'end=$(($(date +%s)+{PATIENCE})); while [ "$(date +%s)" -lt "$end" ]'
        call = f'[ "$({_call(self.addresses[gate], PORTS[0])})" = yes ] || {{ echo shut; break; }}'
        assert self.inside("watcher", f"{ends}; do {call}; done"), "the policy enforcer does not keep up"


def _call(address: str, port: int) -> str:
    """Prints what answers; the enforcer refuses at once, so that the time is for a busy machine."""
    return f"nc -w 10 {address} {port} </dev/null 2>/dev/null"


def policy(name: str, namespace: str, selector: Json, **rules: Any) -> Json:  # noqa: ANN401
    metadata = {"name": name, "namespace": namespace}
    spec = {"podSelector": selector, "policyTypes": [key.capitalize() for key in rules], **rules}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def container() -> Json:
    """One that answers on every port."""
    listen = "; ".join(f"nc -ll -p {port} -e echo yes &" for port in PORTS).replace("&;", "&")
    return {
        "name": "app",
        "image": "docker.io/local/busybox:1",
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", f"{listen} wait"],
        "ports": [{"name": "web", "containerPort": 8080}],
        "startupProbe": {"tcpSocket": {"port": PORTS[-1]}, "periodSeconds": 1, "failureThreshold": 60},
    }


def _pod(name: str, namespace: str, labels: dict[str, str]) -> Json:
    spec = {"containers": [container()], "terminationGracePeriodSeconds": 0}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec,
    }


@contextmanager
def playground(real: RealCluster) -> Iterator[Playground]:
    """Made, every pod listening, and gone afterwards."""
    mark = uuid.uuid4().hex[:6]
    spaces = (f"irkit-play-one-{mark}", f"irkit-play-two-{mark}", f"irkit-play-ctl-{mark}")
    try:
        for space in spaces:
            real.kubectl("create", "namespace", space)
            real.kubectl("wait", "--for=create", "--timeout=30s", "-n", space, "serviceaccount/default")
        made = [_pod(name, spaces[name in "cd"], labels) for name, labels in LABELS.items()]
        made += [_pod(name, spaces[2], {"app": name}) for name in ("watcher", *GATES)]
        real.apply(*made)
        for space in spaces:
            real.kubectl("wait", "--for=condition=Ready", "--timeout=120s", "-n", space, "pod", "--all")
        listed = [
            pod
            for space in spaces
            for pod in json.loads(real.kubectl("get", "pods", "-n", space, "-o", "json"))["items"]
        ]
        addresses = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in listed}
        cluster = connect(ClusterSettings(str(real.kubeconfig), timeout=20))
        yield Playground(real, cluster, spaces, addresses)
    finally:
        real.kubectl("delete", "namespace", *spaces, "--wait=false", "--ignore-not-found")


def random_policies(play: Playground, seed: int) -> list[Json]:
    """Two to five policies; the same seed gives the same."""
    dice = random.Random(seed)  # noqa: S311 - a test's own dice

    def selector() -> Json:
        operator = dice.choice(["In", "NotIn", "Exists", "DoesNotExist"])
        values = {"values": dice.sample(["web", "db", "x"], 2)} if operator.endswith("In") else {}
        term: Json = {"key": dice.choice(["app", "tier"]), "operator": operator, **values}
        return dice.choice([{}, {"matchLabels": {"app": dice.choice(["web", "db"])}}, {"matchExpressions": [term]}])

    def block() -> Json:
        address = play.addresses[dice.choice("abcd")]
        whole = {"cidr": "0.0.0.0/0", "except": [f"{address}/32"]}
        around = ip_network(f"{address}/28", strict=False)  # as newer API servers want it: no bit set beyond the prefix
        return dice.choice([whole, {"cidr": f"{address}/32"}, {"cidr": str(around)}])

    def peer() -> Json:
        space = {"matchLabels": {"kubernetes.io/metadata.name": dice.choice(play.spaces[:2])}}
        spaces: Json = dice.choice([{}, space])
        return dice.choice(
            [
                {"podSelector": selector()},
                {"namespaceSelector": spaces},
                {"podSelector": selector(), "namespaceSelector": spaces},
                {"ipBlock": block()},
            ]
        )

    def port() -> Json:
        return dice.choice([{"port": 80}, {"port": 80, "endPort": 81}, {"port": "web"}, {"protocol": "UDP"}, {}])

    def some(make: Any, least: int = 0) -> list[Json]:  # noqa: ANN401
        return [make() for _ in range(dice.randint(least, 2))]

    def rule(side: str) -> Json:
        return dice.choice(
            [{}, {side: some(peer, 1)}, {side: some(peer, 1), "ports": some(port, 1)}, {"ports": some(port)}]
        )

    def one(number: int) -> Json:
        rules: Json = {}
        for direction, side in dice.choice(
            [[("ingress", "from")], [("egress", "to")], [("ingress", "from"), ("egress", "to")]]
        ):
            rules[direction] = some(lambda side=side: rule(side))
        return policy(f"p{number}", dice.choice(play.spaces[:2]), selector(), **rules)

    return [one(number) for number in range(dice.randint(2, 5))]
