"""The doors to cluster and store for all that people and triggers ask for: what a server says passes the detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.cluster.protocol import Cluster
from irkit.settings import ClusterSettings, StoreSettings

if TYPE_CHECKING:
    from irkit.ship.destination import Destination


def connect(settings: ClusterSettings) -> Cluster:
    """The cluster that `settings` choose; raises as `client.connect`, imported late because it is slow to import."""
    from irkit.bundle.redact.sayings import masked
    from irkit.cluster import client

    return client.connect(settings, mask=masked)


def destination(settings: StoreSettings) -> Destination:
    """The store that `settings` name; raises as `ship.destination.destination`."""
    from irkit.bundle.redact.sayings import masked
    from irkit.ship import destination as stores

    return stores.destination(settings, mask=masked)
