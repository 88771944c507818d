"""A node that takes no new pods. What runs there goes on: nothing is evicted, and so no evidence is lost."""

from __future__ import annotations

from collections.abc import Callable

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import NODES
from irkit.contain.hand import Hand, difference, settled
from irkit.errors import Refused
from irkit.model.isolation import Change

# On the node, by whom it was cordoned: without it, the cordon is somebody else's and stays.
CORDONED = "irkit.dev/cordoned-by"
NEEDS = (NODES.permission("get"), NODES.permission("patch"))


def cordon(
    node: str, cluster: Cluster, *, run: str, before: Callable[[Change], None], dry_run: bool
) -> tuple[Change, ...]:
    """Make `node` unschedulable, marked with `run`; nothing for one that is already. Raises ClusterError."""
    hand = Hand(cluster, before, dry_run)

    def attempt() -> None:
        seen = _seen(node, cluster)
        if part(seen, "spec").get("unschedulable"):
            return
        annotations = part(part(seen, "metadata"), "annotations")
        marks = difference("/metadata/annotations", annotations, {**annotations, CORDONED: run})
        hand.patch(NODES, seen, [*marks, _spec(value=True)], "takes no new pods")

    settled(attempt)
    return hand.changes


def uncordon(
    node: str, cluster: Cluster, *, run: str, before: Callable[[Change], None], dry_run: bool
) -> tuple[Change, ...]:
    """Give `node` back what `cordon` of the same run took; nothing for a node that is not cordoned.

    Raises Refused for a node that another run cordoned, and ClusterError.
    """
    hand = Hand(cluster, before, dry_run)

    def attempt() -> None:
        seen = _seen(node, cluster)
        annotations = part(part(seen, "metadata"), "annotations")
        by = annotations.get(CORDONED)
        if by is None:
            return
        if by != run:
            raise Refused(f"node {node} was cordoned by run {by}, not by {run}", f"irkit run undo {by}")
        left = {key: value for key, value in annotations.items() if key != CORDONED}
        marks = difference("/metadata/annotations", annotations, left)
        hand.patch(NODES, seen, [*marks, _spec(value=False)], "takes new pods again")

    settled(attempt)
    return hand.changes


def _seen(node: str, cluster: Cluster) -> Json:
    seen = cluster.get(NODES.path(name=node)).json()
    return seen | {"metadata": {"namespace": "", **seen["metadata"]}}


def _spec(*, value: bool) -> Json:
    return {"op": "add", "path": "/spec/unschedulable", "value": value}
