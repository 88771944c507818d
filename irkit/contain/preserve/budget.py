"""The disruption budget that refuses the eviction of one pod."""

from __future__ import annotations

from irkit.cluster.protocol import Json
from irkit.cluster.resources import POD_DISRUPTION_BUDGETS as BUDGETS
from irkit.contain import marks
from irkit.contain.hand import Hand
from irkit.errors import AlreadyExists, NotFound, Refused
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

NEEDS: tuple[Permission, ...] = tuple(BUDGETS.permission(verb, optional=True) for verb in ("create", "get"))


def put(hand: Hand, pod: PodRef, uid: str, case: str, run: str) -> str:
    """Have it in place. Raises Refused where something else has the name."""
    body = _manifest(pod, uid, case, run)
    place = BUDGETS.path(pod.namespace, body["metadata"]["name"])
    try:
        found = hand.cluster.get(place).json()
    except NotFound:
        try:
            found = hand.create(BUDGETS, body, "refuses the pod's eviction: a drain of its node waits")
        except AlreadyExists:
            found = hand.cluster.get(place).json()
    if marks.owner(found) != uid:
        raise Refused(f"the PodDisruptionBudget {pod.namespace}/{body['metadata']['name']} is not ours")
    return f"PodDisruptionBudget {body['metadata']['name']} refuses its eviction"


def _manifest(pod: PodRef, uid: str, case: str, run: str) -> Json:
    """A number, not a share: of a pod without controller shares cannot be counted."""
    metadata = marks.quarantine(pod, uid, case, run)["metadata"]
    spec = {"minAvailable": 1, "selector": {"matchLabels": {marks.QUARANTINE: uid}}}
    return {"apiVersion": BUDGETS.api_version, "kind": BUDGETS.kind, "metadata": metadata, "spec": spec}
