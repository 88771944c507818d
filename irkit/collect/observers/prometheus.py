"""Prometheus: what the pod used over time, through the API server's proxy to a service of the cluster.

No address comes from evidence: the service is found by its labels and asked through the API server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from irkit.cluster.objects import entries, items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import SERVICES
from irkit.collect import gaps
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.model.permission import Permission
from irkit.model.run import Target

LIST = Permission("", "services", "list", "cluster", optional=True)
PROXY = Permission("", "services/proxy", "get", "cluster", optional=True)
LABELS = "app.kubernetes.io/name=prometheus"
PORT = 9090
LONGEST = timedelta(hours=6)
POINTS = 720  # of one series; Prometheus refuses more than 11,000
USAGE = (
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
)


@dataclass(frozen=True, slots=True)
class Prometheus:
    """metrics/prometheus.json: processor, memory and network of the pod in its last six hours."""

    name: str = "prometheus"
    needs: tuple[Permission, ...] = (LIST, PROXY)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """A cluster without Prometheus has lost nothing."""
        piece = Piece(self.name, "metrics/prometheus.json", "what the pod used over time", PROXY)
        service = next(filter(_port, items(cluster.pages(SERVICES.path(), {"labelSelector": LABELS}))), None)
        if service is None:
            yield gaps.gap(piece, gaps.NeverExisted(f"no service with {LABELS} and a port {PORT}"))
            return
        metadata = part(service, "metadata")
        named = f"{metadata.get('name')}:{_port(service)}"
        path = SERVICES.path(str(metadata.get("namespace")), named, "proxy") + "/api/v1/query_range"
        yield from into.document(piece, lambda: cluster.get(path, question(target, into.clock())))


def question(target: Target, now: datetime) -> dict[str, str]:
    """One range query for all of USAGE; a pod's names hold nothing that PromQL would read."""
    start = max(now - LONGEST, target.created or now - LONGEST)
    step = max(15, int((now - start).total_seconds()) // POINTS)
    series = f'{{__name__=~"{"|".join(USAGE)}",namespace={json.dumps(target.namespace)},pod={json.dumps(target.name)}}}'
    return {
        "query": series,
        "start": str(int(start.timestamp())),
        "end": str(int(now.timestamp())),
        "step": str(step),
    }


def _port(service: Json) -> int | None:
    """The port Prometheus listens on, of a service that has it."""
    ports = entries(part(service, "spec"), "ports")
    return next((PORT for each in ports if each.get("port") == PORT or each.get("targetPort") == PORT), None)
