"""Lists that are taken for all pods together, where one pod's capture asks for its own part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Cluster, Reply
from irkit.cluster.resources import EVENTS
from irkit.collect import gaps
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.metrics import POD_METRICS
from irkit.errors import NotFound
from irkit.model.permission import Permission
from irkit.model.pod import Target

LIST_EVENTS = EVENTS.permission("list")
LIST_USAGE = POD_METRICS.permission("list", optional=True)


@dataclass(frozen=True, slots=True)
class EveryEvent:
    """events/events.json: all events of the namespace."""

    name: str = "events"
    needs: tuple[Permission, ...] = (LIST_EVENTS,)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """One list; each event names the uid of what it is about."""
        piece = Piece(self.name, "events/events.json", f"events of namespace {target.namespace}", LIST_EVENTS)
        yield from into.pages(piece, lambda: cluster.pages(EVENTS.path(target.namespace)))


@dataclass(frozen=True, slots=True)
class EveryUsage:
    """metrics/pods.json: what every pod of the namespace uses, where the cluster serves the metrics API."""

    name: str = "metrics"
    needs: tuple[Permission, ...] = (LIST_USAGE,)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """One sample, some 15 seconds old; it names pods but not their uids."""
        piece = Piece(self.name, "metrics/pods.json", f"resource usage in namespace {target.namespace}", LIST_USAGE)
        yield from into.document(piece, lambda: _usage(target.namespace, cluster))


def _usage(namespace: str, cluster: Cluster) -> Reply:
    try:
        return cluster.get(POD_METRICS.path(namespace))
    except NotFound as error:
        raise gaps.NeverExisted("the cluster does not serve resource metrics", status=error.status) from error
