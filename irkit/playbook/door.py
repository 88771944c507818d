"""The door to the cluster for all that people and triggers ask for: what a server says passes the detectors first."""

from __future__ import annotations

from irkit.cluster.protocol import Cluster
from irkit.settings import ClusterSettings


def connect(settings: ClusterSettings) -> Cluster:
    """The cluster that `settings` choose; raises as `client.connect`, imported late because it is slow to import."""
    from irkit.bundle.redact.sayings import masked
    from irkit.cluster import client

    return client.connect(settings, mask=masked)
