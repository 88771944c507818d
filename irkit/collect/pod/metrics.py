"""Resource metrics: what the containers use at this moment. A miner is seen here first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Cluster, Reply
from irkit.cluster.resources import Resource
from irkit.collect import gaps
from irkit.collect.collector import not_replaced
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.errors import NotFound
from irkit.model.permission import Permission
from irkit.model.pod import Target

POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics")
GET = POD_METRICS.permission("get", optional=True)
USAGE = Piece("metrics", "pod/metrics.json", "resource usage of its containers", GET)


@dataclass(frozen=True, slots=True)
class Metrics:
    """pod/metrics.json, where the cluster serves the metrics API."""

    name: str = "metrics"
    needs: tuple[Permission, ...] = (GET,)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """One sample, some 15 seconds old; it names the pod but not its uid."""
        yield from into.document(USAGE, lambda: _usage(target, cluster))


def _usage(target: Target, cluster: Cluster) -> Reply:
    try:
        reply = cluster.get(POD_METRICS.path(target.namespace, target.name))
    except NotFound as error:
        if error.reason:  # said by the metrics API itself: it knows no such pod
            raise
        raise gaps.NeverExisted("the cluster does not serve resource metrics", status=error.status) from error
    not_replaced(target, cluster)
    return reply
