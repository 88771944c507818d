"""A container of ours in the pod itself. It cannot be taken off again: it stays, ended, as long as the pod lives."""

from __future__ import annotations

from functools import partial

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import PODS
from irkit.cluster.watch import awaited
from irkit.contain.hand import Hand, settled
from irkit.contain.proof.probe import READY, waiting
from irkit.errors import Refused
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

_KIND = "ephemeralContainerStatuses"
NEEDS: tuple[Permission, ...] = (
    *(PODS.permission(verb, optional=True) for verb in ("get", "watch")),
    PODS.permission("get", "log", optional=True),
    PODS.permission("patch", "ephemeralcontainers", optional=True),
)


def start(hand: Hand, pod: PodRef, prefix: str, container: Json, detail: str) -> str:
    """The name of the container once it has started; one of ours that runs still is used on.

    Raises Refused for one that does not start, Forbidden, and Invalid where the pod is a static one.
    """
    name = settled(partial(_added, hand, pod, prefix, container, detail))
    if hand.dry_run:
        return name

    def begun(now: Json | None) -> bool:
        return bool(_state(now, name) - {"waiting"})

    found = awaited(hand.cluster, PODS, pod.namespace, pod.name, begun, READY)
    if not begun(found):
        raise Refused(f"the container {name} does not run in the pod: {waiting(found or {}, _KIND)}")
    return name


def ended(hand: Hand, pod: PodRef, name: str, seconds: int) -> bool:
    """True once the container has ended; False after so many seconds."""
    found = awaited(hand.cluster, PODS, pod.namespace, pod.name, lambda now: "terminated" in _state(now, name), seconds)
    return "terminated" in _state(found, name)


def _added(hand: Hand, pod: PodRef, prefix: str, container: Json, detail: str) -> str:
    seen = check(pod, hand.cluster).json()
    there = [each for each in entries(part(seen, "spec"), "ephemeralContainers")]
    ours = [str(each.get("name")) for each in there if str(each.get("name")).startswith(f"{prefix}-")]
    if ours and "terminated" not in _state(seen, ours[-1]) and there[-1].get("command") == container["command"]:
        return ours[-1]
    made = {**container, "name": f"{prefix}-{len(ours) + 1}"}
    path, value = ("/spec/ephemeralContainers/-", made) if there else ("/spec/ephemeralContainers", [made])
    told = f"{detail}; it cannot be taken off the pod again, and alters the evidence"
    hand.patch(PODS, seen, [{"op": "add", "path": path, "value": value}], told, subresource="ephemeralcontainers")
    return str(made["name"])


def _state(pod: Json | None, name: str) -> set[str]:
    """Such as {"running"}; nothing while the kubelet has not spoken of the container."""
    statuses = entries(part(pod or {}, "status"), _KIND)
    return next((set(part(each, "state")) for each in statuses if each.get("name") == name), set())
