"""A connection to each cluster that is kept open between runs: credentials and TLS once, not once an alert."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from irkit.cluster.protocol import Cluster
from irkit.playbook import door
from irkit.settings import ClusterSettings

AGE = 300.0  # seconds, after which a kubeconfig that was changed meanwhile is read anew


@dataclass(slots=True)
class Kept:
    """Safe for threads. Tokens that expire are renewed by the door to the SDK, kept or not."""

    connect: Callable[[ClusterSettings], Cluster] = door.connect
    _open: dict[ClusterSettings, tuple[float, Cluster]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, settings: ClusterSettings) -> Cluster:
        """The cluster of `settings`; raises UsageError."""
        with self._lock:
            since, cluster = self._open.get(settings, (0.0, None))
            if cluster is None or time.monotonic() - since > AGE:
                cluster = self.connect(settings)
                self._open[settings] = time.monotonic(), cluster
            return cluster
