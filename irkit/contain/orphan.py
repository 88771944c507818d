"""See to it that a relabelled pod's controller lets go of it: until it has, deleting the workload deletes the pod."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import PODS
from irkit.contain.hand import Hand
from irkit.contain.plan.owner import Owner
from irkit.errors import ClusterError, Forbidden
from irkit.model.isolation import Proof
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

PATIENCE = 10  # seconds; a controller that works takes less than one
NEEDS: tuple[Permission, ...] = (PODS.permission("watch", optional=True),)


def orphaned(pod: PodRef, seen: Json, owner: Owner, hand: Hand) -> Proof:
    """Wait until `owner` has let go of the pod, or take the pod off it: one that is itself being deleted never would.

    Raises Conflict when somebody changes the pod at that very moment.
    """
    held = _place(seen, owner) is not None
    if held and owner.claim and not owner.claim.ending:
        _await(seen, owner, hand.cluster)
    now = check(pod, hand.cluster).json()
    place = _place(now, owner)
    if place is None:
        return Proof("orphaned", f"{owner} has let go of the pod")
    path = f"/metadata/ownerReferences/{place}"
    whole = len(entries(now["metadata"], "ownerReferences")) == 1
    operations: list[Json] = [{"op": "remove", "path": path.rpartition("/")[0] if whole else path}]
    try:
        hand.patch(PODS, now, operations, f"owner {owner} removed: it did not let go by itself")
    except Forbidden as error:
        return Proof("not orphaned", f"{owner} still owns the pod: deleting it deletes the pod", error.message)
    return Proof("orphaned", f"{owner} did not let go of the pod, and was taken off its owners")


def _place(pod: Json, owner: Owner) -> int | None:
    """Where `owner` stands among the pod's owners; None: nowhere."""
    listed = entries(part(pod, "metadata"), "ownerReferences")
    return next((place for place, entry in enumerate(listed) if entry.get("uid") == owner.uid), None)


def _await(seen: Json, owner: Owner, cluster: Cluster) -> None:
    """Watch the pod, which has the owner in `seen`, until it has not; for as long as patience lasts, or as we may."""
    metadata = seen["metadata"]
    query = {
        "watch": "1",
        "fieldSelector": f"metadata.name={metadata['name']}",
        "resourceVersion": metadata["resourceVersion"],
        "timeoutSeconds": str(PATIENCE),
    }
    try:
        with cluster.within(2 * PATIENCE).stream(PODS.path(metadata["namespace"]), query) as stream:
            for event in _events(stream):
                if event.get("type") != "MODIFIED" or _place(part(event, "object"), owner) is None:
                    return
    except ClusterError:
        return  # the pod is read again either way, and that tells


def _events(chunks: Iterable[bytes]) -> Iterator[Json]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines if line.strip())
