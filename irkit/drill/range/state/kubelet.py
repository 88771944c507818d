"""Scheduler and kubelet in one: a new pod gets a node and runs at once; nothing is really executed."""

from __future__ import annotations

import copy
import hashlib

from irkit.drill.range.answer import Json
from irkit.drill.range.change.ownership import Manager, updated
from irkit.drill.range.kinds.types import of_kind
from irkit.drill.range.state.store import Store


def report(store: Store, pod: Json) -> Json | None:
    """The pod as the kubelet would report it now; None when there is nothing new to say."""
    if pod["metadata"].get("deletionTimestamp"):
        return None
    placed = pod["spec"].get("nodeName") or _node(store, pod["spec"].get("nodeSelector") or {})
    started = pod.get("status", {}).get("phase") not in (None, "Pending")
    extra = _ephemeral(store, pod)
    if not placed:
        return None if (pod.get("status") or {}).get("conditions") else _unplaced(store, pod)
    if started and not extra:
        return None
    reported = copy.deepcopy(pod)
    reported["spec"]["nodeName"] = placed
    if not started:
        reported["status"] = _running(store, reported)
    if extra:
        reported["status"]["ephemeralContainerStatuses"] = extra
    return _signed(store, pod, reported, "kubelet")


def _signed(store: Store, before: Json, after: Json, name: str) -> Json:
    manager = Manager(name, "v1", store.time(), "status")
    told = {**before, "status": after["status"]}
    after["metadata"] = {**after["metadata"], "managedFields": updated(of_kind("Pod"), before, told, manager)}
    return after


def _unplaced(store: Store, pod: Json) -> Json:
    count = len(store.everything("Node"))
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": None,
        "lastTransitionTime": store.time(),
        "reason": "Unschedulable",
        "message": f"0/{count} nodes are available: {count} node(s) didn't match Pod's node affinity/selector. "
        f"preemption: 0/{count} nodes are available: {count} Preemption is not helpful for scheduling.",
        "observedGeneration": pod["metadata"].get("generation", 1),
    }
    return _signed(store, pod, {**pod, "status": {**pod["status"], "conditions": [condition]}}, "kube-scheduler")


def _node(store: Store, wanted: dict[str, str]) -> str:
    nodes = [
        node
        for node in store.everything("Node")
        if not node.get("spec", {}).get("unschedulable")
        and wanted.items() <= (node["metadata"].get("labels") or {}).items()
    ]
    return str(nodes[store.rng.randrange(len(nodes))]["metadata"]["name"]) if nodes else ""


def _running(store: Store, pod: Json) -> Json:
    spec, now = pod["spec"], store.time()
    address = f"10.244.{store.rng.randrange(4, 250)}.{store.rng.randrange(2, 250)}"
    conditions = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    status: Json = {
        "phase": "Running",
        "conditions": [
            {"type": name, "status": "True", "lastProbeTime": None, "lastTransitionTime": now} for name in conditions
        ],
        "hostIP": "192.0.2.11",
        "hostIPs": [{"ip": "192.0.2.11"}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "qosClass": "BestEffort",
        "containerStatuses": [_status(store, each, now) for each in spec["containers"]],
    }
    done = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
    if spec.get("initContainers"):
        finished = [
            _status(store, each, now) | {"started": False, "state": {"terminated": done}}
            for each in spec["initContainers"]
        ]
        status["initContainerStatuses"] = finished
    return status


def _status(store: Store, container: Json, now: str) -> Json:
    image = container.get("image", "")
    digest = hashlib.sha256(image.encode()).hexdigest()
    return {
        "name": container["name"],
        "state": {"running": {"startedAt": now}},
        "lastState": {},
        "ready": True,
        "started": True,
        "restartCount": 0,
        "image": image,
        "imageID": f"{image.partition(':')[0]}@sha256:{digest}",
        "containerID": f"containerd://{store.rng.getrandbits(256):064x}",
    }


def _ephemeral(store: Store, pod: Json) -> list[Json]:
    asked = pod["spec"].get("ephemeralContainers") or []
    have = pod.get("status", {}).get("ephemeralContainerStatuses") or []
    known = {each["name"] for each in have}
    fresh = [_status(store, each, store.time()) | {"ready": False} for each in asked if each["name"] not in known]
    return [*have, *fresh] if fresh else []
