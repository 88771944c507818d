"""What happens by itself: the reactions of controllers, scheduler and kubelet that an incident meets.

A pod relabelled out of its ReplicaSet is released and replaced, endpoint slices follow labels, owners take their
dependents along, a namespace takes its contents. Everything happens before the next request is answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from irkit.drill.range.answer import Json
from irkit.drill.range.kinds.selectors import matches
from irkit.drill.range.kinds.table import Kind, kinds, named
from irkit.drill.range.state import kubelet, workloads
from irkit.drill.range.state.store import Change, Key, Store
from irkit.drill.range.state.workloads import DEPLOYMENT, POD, REPLICA_SET, STATEFUL_SET

SERVICE, NAMESPACE = named("v1", "Service"), named("v1", "Namespace")
SLICE = named("discovery.k8s.io/v1", "EndpointSlice")


class Controllers:
    """Reactions to the changes of a store, run to rest by `run`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._pending: deque[Change] = deque()
        self.stop: Callable[[], None] = store.watch(self._pending.append)

    def rest(self) -> None:
        """Forget what has happened so far: a seeded scenario is at rest as it is."""
        self._pending.clear()

    def run(self) -> None:
        """React until nothing is left to react to."""
        while self._pending:
            change = self._pending.popleft()
            if change.kind == NAMESPACE:
                _inhabit(self.store, change)
            if change.kind == POD:
                _report(self.store, change.key)
            for watched, kind, react in _WATCHES:
                if change.kind in watched:
                    self._each(kind, change.key[0], react)
            if change.after is None:
                _collect(self.store, change)

    def _each(self, kind: Kind, namespace: str, react: Callable[[Store, Json], None]) -> None:
        for obj in self.store.all(kind, namespace):
            if not obj["metadata"].get("deletionTimestamp"):
                react(self.store, obj)


def _inhabit(store: Store, change: Change) -> None:
    name = change.key[1]
    now = store.get(NAMESPACE, "", name)
    if change.before is None and now:
        account: Json = {"apiVersion": "v1", "kind": "ServiceAccount"}
        root: Json = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"ca.crt": "practice\n"}}
        store.seed([account | {"metadata": {"name": "default", "namespace": name}}])
        store.seed([root | {"metadata": {"name": "kube-root-ca.crt", "namespace": name}}])
    elif now and now["metadata"].get("deletionTimestamp"):
        for kind in kinds():
            for obj in store.all(kind, name) if kind.namespaced else []:
                store.remove(kind, obj)
        store.remove(NAMESPACE, now)


def _report(store: Store, key: Key) -> None:
    pod = store.get(POD, *key)
    if pod is None:
        return
    meta = pod["metadata"]
    if meta.get("deletionTimestamp") and not meta.get("finalizers"):
        store.remove(POD, pod)
    elif reported := kubelet.report(store, pod):
        store.put(POD, reported)


def _slices(store: Store, service: Json) -> None:
    meta, selector = service["metadata"], service["spec"].get("selector")
    if not selector:
        return
    endpoints = [
        _endpoint(pod)
        for pod in store.all(POD, meta["namespace"])
        if matches({"matchLabels": selector}, pod["metadata"].get("labels") or {})
        and pod.get("status", {}).get("podIP")
    ]
    known = store.all(SLICE, meta["namespace"])
    old = next((each for each in known if workloads.owner(each).get("uid") == meta["uid"]), None)
    fresh = {**(old or _slice(store, service)), "endpoints": endpoints}
    if fresh != old:
        store.put(SLICE, fresh)


def _slice(store: Store, service: Json) -> Json:
    about = workloads.child(store, service, f"{service['metadata']['name']}-{workloads.tail(store)}")
    about["labels"] = {"kubernetes.io/service-name": service["metadata"]["name"]}
    named_ports = ("name", "port", "protocol")
    ports = [{key: port[key] for key in named_ports if key in port} for port in service["spec"]["ports"]]
    body = {"addressType": "IPv4", "ports": ports}
    return {"kind": "EndpointSlice", "apiVersion": SLICE.api_version, "metadata": about, **body}


def _endpoint(pod: Json) -> Json:
    meta, ready = pod["metadata"], pod["status"].get("phase") == "Running"
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": ready, "terminating": "deletionTimestamp" in meta},
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
    }


def _collect(store: Store, change: Change) -> None:
    uid = change.last["metadata"]["uid"]
    for kind in kinds():
        for obj in store.all(kind, change.key[0]):
            references = obj["metadata"].get("ownerReferences") or []
            if references and all(each["uid"] == uid for each in references):
                store.remove(kind, obj)


# Which changes a controller looks at, and what it does with each object of its own kind.
_WATCHES: tuple[tuple[tuple[Kind, ...], Kind, Callable[[Store, Json], None]], ...] = (
    ((DEPLOYMENT, REPLICA_SET), DEPLOYMENT, workloads.deploy),
    ((REPLICA_SET, POD), REPLICA_SET, workloads.replicate),
    ((STATEFUL_SET, POD), STATEFUL_SET, workloads.number),
    ((SERVICE, POD), SERVICE, _slices),
)
