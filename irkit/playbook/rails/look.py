"""The pod as it is at the moment of the decision: live, and bound to the uid that the run pinned."""

from __future__ import annotations

from typing import Any

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import DAEMON_SETS, NODES, REPLICA_SETS, STATEFUL_SETS, Resource
from irkit.errors import Forbidden, NotFound
from irkit.model.pod import PodRef
from irkit.playbook.rails.facts import Subject

_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_MIRROR = "kubernetes.io/config.mirror"  # set by the kubelet on the API's image of a static pod
# Which owners tell how many pods they want, and where.
_COUNTED: dict[str, tuple[Resource, tuple[str, str]]] = {
    "ReplicaSet": (REPLICA_SETS, ("spec", "replicas")),
    "StatefulSet": (STATEFUL_SETS, ("spec", "replicas")),
    "DaemonSet": (DAEMON_SETS, ("status", "desiredNumberScheduled")),
}
NEEDS = tuple(
    resource.permission("get", optional=True) for resource in (REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, NODES)
)


def look(pod: PodRef, cluster: Cluster, *, node: bool) -> Subject:
    """What the rails need to know of `pod`; its `node` is looked at only when asked.

    Raises PodReplaced, NotFound and other ClusterErrors about the pod itself; what is hidden of its owner makes a
    workload of one, of its node a control plane that is not known.
    """
    found = check(pod, cluster).json()
    metadata, spec = part(found, "metadata"), part(found, "spec")
    workload, replicas = _workload(pod.namespace, metadata, cluster)
    return Subject(
        pod.namespace,
        pod.name,
        str(metadata.get("uid") or ""),
        {str(key): str(value) for key, value in part(metadata, "labels").items()},
        str(spec.get("priorityClassName") or ""),
        _MIRROR in part(metadata, "annotations"),
        workload,
        replicas,
        _control_plane(str(spec.get("nodeName") or ""), cluster) if node else None,
    )


def _workload(namespace: str, metadata: Json, cluster: Cluster) -> tuple[str, int]:
    owner = _controller(metadata)
    if owner is None:
        return "", 1
    kind, name = str(owner.get("kind")), str(owner.get("name"))
    if kind not in _COUNTED:
        return f"{kind}/{name}", 1
    resource, (section, key) = _COUNTED[kind]
    found = _seen(resource.path(namespace, name), cluster)
    above = _controller(part(found, "metadata"))
    count = part(found, section).get(key)
    named = f"{above.get('kind')}/{above.get('name')}" if above else f"{kind}/{name}"
    return named, count if isinstance(count, int) and count > 0 else 1


def _controller(metadata: Json) -> dict[str, Any] | None:
    return next((owner for owner in entries(metadata, "ownerReferences") if owner.get("controller")), None)


def _control_plane(node: str, cluster: Cluster) -> bool | None:
    """False for a pod that is on no node yet."""
    if not node:
        return False
    labels = part(part(_seen(NODES.path(name=node), cluster), "metadata"), "labels")
    return any(label in labels for label in _CONTROL_PLANE) if labels else None


def _seen(path: str, cluster: Cluster) -> Json:
    """The object, empty when we may not see it or it is gone."""
    try:
        return cluster.get(path).json()
    except (Forbidden, NotFound):
        return {}
