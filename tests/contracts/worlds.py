"""The same small world on the practice cluster and on a real one, made through the API that both speak."""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from irkit import times
from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import CONFIG_MAPS, NAMESPACES, PODS, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS
from irkit.drill.range.access.users import service_account
from irkit.drill.range.server import Range
from irkit.errors import Gone
from irkit.model.pod import PodRef
from irkit.settings import ClusterSettings
from tests.cluster.real import RealCluster
from tests.waiting import until

IMAGE = "docker.io/local/busybox:1"


class World(Protocol):
    """A cluster to test against, and what the tests need that is not the same everywhere."""

    cluster: Cluster
    namespace: str
    kubeconfig: Path

    def limited(self, *rules: Json) -> Cluster:
        """The cluster as a service account sees it that holds only `rules` in the namespace."""
        ...

    def limited_kubeconfig(self) -> Path:
        """The kubeconfig of the service account that `limited` has made."""
        ...

    def raw(self, path: str) -> bytes:
        """What another client gets to read."""
        ...

    def expire(self, token: str) -> str:
        """A continue token that has expired."""
        ...

    def running(self) -> PodRef:
        """A pod that runs and never crashed."""
        ...

    def saying(self, made: Json, lines: list[str]) -> PodRef:
        """The pod `made` describes, whose container "app" wrote `lines`."""
        ...

    def crashed(self) -> PodRef:
        """A pod whose container "app" wrote "first" and crashed, and now runs and wrote "second"."""
        ...


def open_(path: Path) -> Cluster:
    return connect(ClusterSettings(str(path), timeout=20))


def config_map(name: str, namespace: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def pod(name: str, namespace: str, command: str = "sleep 3600", **spec: Any) -> Json:  # noqa: ANN401
    """A pod of one container "app"."""
    container: Json = {"name": "app", "image": IMAGE, "imagePullPolicy": "Never", "command": ["sh", "-c", command]}
    whole = {"containers": [container], "terminationGracePeriodSeconds": 1, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": whole}


def bind(cluster: Cluster, namespace: str, account: str, rules: tuple[Json, ...]) -> None:
    """A service account, a role and the binding between them, all named `account`."""
    meta = {"name": account, "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    for resource, more in (
        (SERVICE_ACCOUNTS, {}),
        (ROLES, {"rules": list(rules)}),
        (
            ROLE_BINDINGS,
            {
                "roleRef": {"apiGroup": group, "kind": "Role", "name": account},
                "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
            },
        ),
    ):
        body: Json = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta, **more}
        cluster.create(resource.path(namespace), body)


@dataclass
class RealWorld:
    """A namespace of a real cluster."""

    real: RealCluster
    namespace: str
    folder: Path
    cluster: Cluster = field(init=False)
    kubeconfig: Path = field(init=False)

    def __post_init__(self) -> None:
        self.kubeconfig = self.real.kubeconfig
        self.cluster = open_(self.kubeconfig)

    def limited(self, *rules: Json) -> Cluster:
        bind(self.cluster, self.namespace, "limited", rules)
        return open_(self.limited_kubeconfig())

    def limited_kubeconfig(self) -> Path:
        return self.real.limited(self.namespace, "limited", self.folder)

    def raw(self, path: str) -> bytes:
        return self.real.kubectl("get", "--raw", path).encode()

    def expire(self, token: str) -> str:
        """Its revision is set to one that etcd has forgotten, or is made to forget where it is ours."""
        parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        expired = base64.urlsafe_b64encode(json.dumps({**parts, "rv": 2}).encode()).decode().rstrip("=")
        if self.real.enforceable:
            _compact()
            self._until_gone(expired)
        return expired

    def _until_gone(self, token: str) -> None:
        """Wait until the API server has dropped the snapshots of its cache too: it looks every 15 seconds."""
        for _ in range(120):
            try:
                self.cluster.get(CONFIG_MAPS.path(self.namespace), {"limit": "1", "continue": token})
            except Gone:
                return
            time.sleep(0.5)
        raise AssertionError("the API server still serves revision 2")

    def running(self) -> PodRef:
        self.cluster.create(PODS.path(self.namespace), pod("running", self.namespace))
        self.real.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "-n", self.namespace, "pod/running")
        return PodRef(self.namespace, "running")

    def saying(self, made: Json, lines: list[str]) -> PodRef:
        text = config_map("said", self.namespace, lines="\n".join([*lines, ""]))
        self.cluster.create(CONFIG_MAPS.path(self.namespace), text)
        app = made["spec"]["containers"][0]
        app["command"][2] += " && cat /said/lines && sleep 3600"
        app["volumeMounts"] = [{"name": "said", "mountPath": "/said"}]
        made["spec"]["volumes"] = [{"name": "said", "configMap": {"name": "said"}}]
        self.cluster.create(PODS.path(self.namespace), made)
        name = made["metadata"]["name"]
        self.real.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "-n", self.namespace, f"pod/{name}")
        until(lambda: lines[-1] in self.real.kubectl("logs", "-n", self.namespace, name, "-c", "app"))
        return PodRef(self.namespace, name)

    def crashed(self) -> PodRef:
        command = "if [ -e /tmp/state/ran ]; then echo second; sleep 3600; fi; touch /tmp/state/ran; echo first; exit 1"
        made = pod("crashed", self.namespace, command, volumes=[{"name": "state", "emptyDir": {}}])
        made["spec"]["containers"][0]["volumeMounts"] = [{"name": "state", "mountPath": "/tmp/state"}]  # noqa: S108
        self.cluster.create(PODS.path(self.namespace), made)
        restarted = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
        ready = "--for=jsonpath={.status.containerStatuses[0].ready}=true"
        for condition in (restarted, ready):
            self.real.kubectl("wait", condition, "--timeout=60s", "-n", self.namespace, "pod/crashed")
        return PodRef(self.namespace, "crashed")


def _compact() -> None:
    """Make etcd forget its first 50 revisions, which nobody reads, and the API server know of it.

    Since 1.34 the API server serves old pages from snapshots of its watch cache; it drops those older than the revision
    under `compact_rev_key`, where API servers tell each other what they compacted (storage/etcd3/compact.go).
    """
    key, value = (base64.b64encode(text).decode() for text in (b"compact_rev_key", b"50"))
    _etcd("put", {"key": key, "value": value})
    try:
        _etcd("compaction", {"revision": "50"})
    except urllib.error.HTTPError as error:
        told = error.read()
        assert b"has been compacted" in told, told  # which is as good


def _etcd(verb: str, body: Json) -> None:
    port = int(os.environ.get("IRKIT_TEST_ETCD_PORT", "12379"))
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v3/kv/{verb}", data=json.dumps(body).encode())
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


@dataclass
class PracticeWorld:
    """A namespace of the practice cluster."""

    range: Range
    namespace: str
    cluster: Cluster = field(init=False)
    kubeconfig: Path = field(init=False)

    def __post_init__(self) -> None:
        self.kubeconfig = self.range.kubeconfig
        self.cluster = open_(self.kubeconfig)
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.cluster.create(NAMESPACES.path(), body)

    def limited(self, *rules: Json) -> Cluster:
        bind(self.cluster, self.namespace, "limited", rules)
        return open_(self.limited_kubeconfig())

    def limited_kubeconfig(self) -> Path:
        return self.range.kubeconfig_for(service_account(self.namespace, "limited"), "limited.conf")

    def raw(self, path: str) -> bytes:
        with urllib.request.urlopen(self.range.url + path) as reply:  # noqa: S310
            body: bytes = reply.read()
        return body

    def expire(self, token: str) -> str:
        self.range.store.compact()
        return token

    def running(self) -> PodRef:
        self.cluster.create(PODS.path(self.namespace), pod("running", self.namespace))
        return PodRef(self.namespace, "running")

    def saying(self, made: Json, lines: list[str]) -> PodRef:
        self.cluster.create(PODS.path(self.namespace), made)
        kept = self.range.store.find("Pod", made["metadata"]["name"], self.namespace)
        self.range.logs.write(kept, "app", [(times.now(), line) for line in lines])
        return PodRef(self.namespace, made["metadata"]["name"])

    def crashed(self) -> PodRef:
        self.cluster.create(PODS.path(self.namespace), pod("crashed", self.namespace))
        made = self.range.store.find("Pod", "crashed", self.namespace)
        self.range.logs.write(made, "app", [(times.now(), "first")], previous=True)
        self.range.logs.write(made, "app", [(times.now(), "second")])
        return PodRef(self.namespace, "crashed")


def names_in(world: World) -> set[str]:
    """The config maps of the world that a test made."""
    listed = world.cluster.get(CONFIG_MAPS.path(world.namespace)).json()["items"]
    return {item["metadata"]["name"] for item in listed} - {"kube-root-ca.crt"}
