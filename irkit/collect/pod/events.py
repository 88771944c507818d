"""Events: what the cluster's own parts reported about the pod; by default the API server forgets them in an hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Cluster, Reply
from irkit.cluster.resources import EVENTS
from irkit.collect.collector import not_replaced
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.model.permission import Permission
from irkit.model.pod import Target

LIST = EVENTS.permission("list")
BY_UID = Piece("events", "events/events.json", "events that name the pod's uid", LIST)
BY_NAME = Piece("events", "events/by-name.json", "events that name the pod but not its uid", LIST)


@dataclass(frozen=True, slots=True)
class Events:
    """events/events.json by uid; events/by-name.json, what carries the pod's name with another uid or none.

    The second list holds what the kubelet reports about a static pod (it uses a uid of its own) and what befell
    earlier pods of the same name.
    """

    name: str = "events"
    needs: tuple[Permission, ...] = (LIST,)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Both lists; the second only while no later pod bears the name."""
        path = EVENTS.path(target.namespace)
        ours = {"fieldSelector": f"involvedObject.uid={target.uid}"}
        name = f"involvedObject.kind=Pod,involvedObject.name={target.name}"
        others = {"fieldSelector": f"{name},involvedObject.uid!={target.uid}"}
        yield from into.pages(BY_UID, lambda: cluster.pages(path, ours))
        yield from into.pages(BY_NAME, lambda: _proven(target, cluster, cluster.pages(path, others)))


def _proven(target: Target, cluster: Cluster, pages: Iterator[Reply]) -> Iterator[Reply]:
    for page in pages:
        not_replaced(target, cluster)
        yield page
