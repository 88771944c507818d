"""Quarantines whose time is over: each becomes an order in the queue, and from there on is as any alert.

So it is done once however many servers look, it is on rails like all that nobody watches, journalled as a run, tried
again where the cluster does not answer, and shown to people where it may not be done.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from irkit import digest, times
from irkit.cluster.protocol import Cluster
from irkit.contain.vigil.deadline import over
from irkit.errors import IrkitError
from irkit.model import codec
from irkit.model.alert import Alert, AlertStatus
from irkit.model.audit import Severity
from irkit.model.pod import PodRef
from irkit.playbook.lint import parse
from irkit.playbook.schema import Pinned
from irkit.triggers.orders.order import KIND, Order
from irkit.triggers.queue.bell import Bell
from irkit.triggers.queue.protocol import Item, Queue

PAUSE = 30.0  # seconds between two looks
ASKING = 10  # seconds that one may take: nobody waits longer for the end of a server
SOURCE = "irkit-ttl"  # what rails know it by
NAME = "release-overdue"
_LOG = logging.getLogger(__name__)
_TEXT = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: release-overdue, version: 1.0.0, description: A quarantine with a --ttl whose time is over.}
inputs:
  namespace: {type: string, required: true}
  pod: {type: string, required: true}
  uid: {type: string, required: true}
steps:
  - id: resolve
    uses: pod.resolve@1
    with: {namespace: '${{ inputs.namespace }}', pod: '${{ inputs.pod }}', uid: '${{ inputs.uid }}', or_gone: true}
  - {id: release, uses: pod.release@1}
"""


@functools.cache
def book() -> Pinned:
    """What is run for each."""
    return parse(_TEXT, NAME)


@dataclass(frozen=True, slots=True)
class Overdue:
    """Looks for them in one namespace or (None) in all, until `stopped` is set."""

    connect: Callable[[], Cluster]
    queue: Queue
    bell: Bell
    namespace: str | None = None
    clock: times.Clock = times.now
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """In a thread: look, again and again. What keeps us from it is said once, until something else does."""
        said = ""
        while not self.stopped.is_set():
            try:
                self.look()
                said = ""
            except IrkitError as error:
                if error.message != said:
                    _LOG.warning("nobody releases quarantines whose time is over: %s", error.message)
                said = error.message
            self.stopped.wait(PAUSE)

    def look(self) -> None:
        """Order what is overdue by now. Raises ClusterError, QueueError, and UsageError for an unusable kubeconfig."""
        now = self.clock()
        found = [_item(pod, until, now) for pod, until in over(self.connect().within(ASKING), self.namespace, now)]
        if found and any(placed.new for placed in self.queue.put(found)):
            self.bell.ring()


def _item(pod: PodRef, until: datetime, now: datetime) -> Item:
    """The same for the same pod and time, whoever finds it; another time is another order."""
    inputs = {"namespace": pod.namespace, "pod": pod.name, "uid": pod.uid}
    raw = codec.compact({**inputs, "until": times.rfc3339(until)})
    key = digest.of_bytes(raw)
    named = PodRef(pod.namespace, pod.name)
    summary = f"its quarantine was to end at {times.rfc3339(until)}"
    alert = Alert(SOURCE, key, AlertStatus.FIRING, Severity.INFO, until, "quarantine over", summary, key, pod=named)
    order = Order(SOURCE, now, key, raw, alert, SOURCE, NAME, book().sha256, inputs)
    return Item(KIND, f"{SOURCE}/{key}", codec.compact(order))
