"""Prometheus: what the pod used over time.

Asked at an address that the operator gives, or through the API server's proxy to a service found by its labels: no
address comes from evidence.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from irkit.cluster.objects import entries, items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import SERVICES
from irkit.cluster.wire import elsewhere
from irkit.collect import gaps
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.model.permission import Permission
from irkit.model.pod import Target

LIST = Permission("", "services", "list", "cluster", optional=True)
PROXY = Permission("", "services/proxy", "get", "cluster", optional=True)
TOKEN = "IRKIT_PROMETHEUS_TOKEN"  # noqa: S105 - the variable that holds a bearer token for the address given
PATH, ABOUT = "metrics/prometheus.json", "what the pod used over time"
API = "/api/v1/query_range"
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

    url: str = ""  # "": the one in the cluster
    name: str = "prometheus"

    @property
    def needs(self) -> tuple[Permission, ...]:
        """None on the cluster where the operator gives the address."""
        return () if self.url else (LIST, PROXY)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """A cluster without Prometheus has lost nothing."""
        if self.url:
            piece = Piece(self.name, PATH, f"{ABOUT}, as {self.url} has it")
            server = elsewhere.server(self.url, os.environ.get(TOKEN, ""))
            yield from into.document(piece, lambda: server.get(API, question(target, into.clock())))
            return
        piece = Piece(self.name, PATH, ABOUT, PROXY)
        service = next(filter(_port, items(cluster.pages(SERVICES.path(), {"labelSelector": LABELS}))), None)
        if service is None:
            yield gaps.gap(piece, gaps.NeverExisted(f"no service with {LABELS} and a port {PORT}"))
            return
        metadata = part(service, "metadata")
        named = f"{metadata.get('name')}:{_port(service)}"
        path = SERVICES.path(str(metadata.get("namespace")), named, "proxy") + API
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
