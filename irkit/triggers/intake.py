"""One delivery in, one answer out: know the sender, understand, decide, keep, and only then say so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from irkit.model.alert import BadAlert
from irkit.triggers.auth.guard import Denied
from irkit.triggers.formats import registry
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.metrics import Metrics
from irkit.triggers.orders import order
from irkit.triggers.queue.bell import Bell
from irkit.triggers.queue.protocol import Placed, Queue, QueueError
from irkit.triggers.routing.lint import Loaded
from irkit.triggers.routing.route import decide
from irkit.triggers.sources import Ready

RETRY_AFTER = 10  # seconds
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender hears: a status and one word, and the numbers of the jobs its alerts became.

    Alertmanager repeats on 5xx only and drops on 4xx: 4xx says that a repeat would be refused again.
    """

    status: int
    outcome: str
    jobs: tuple[dict[str, Any], ...] = field(default=())

    @property
    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {"status": self.outcome, "jobs": list(self.jobs)}


@dataclass(frozen=True, slots=True)
class Intake:
    """Everything a delivery meets between the socket and the queue. Blocks: on the disk, or on the database.

    `bell`: rung for the workers of this process when there is something to do.
    """

    loaded: Loaded
    sources: Mapping[str, Ready]
    queue: Queue
    metrics: Metrics
    bell: Bell = field(default_factory=Bell)

    def receive(self, delivery: Delivery) -> Answer:
        """The answer, after what it promises is on disk."""
        source = self.sources[delivery.source]
        try:
            source.guard.check(delivery)
        except Denied as denied:
            _LOG.warning("source %s: a request was denied: %s", delivery.source, denied.why)
            return Answer(source.guard.status, f"denied-{denied.why}")
        return self.keep(delivery)

    def keep(self, delivery: Delivery) -> Answer:
        """The same for a delivery that is known to be the source's: from its own file, on this machine."""
        try:
            return self._keep(self.sources[delivery.source], delivery)
        except QueueError as error:
            _LOG.error("source %s: nothing was accepted: %s", delivery.source, error.message)
            return Answer(503, "unavailable")

    def _keep(self, source: Ready, delivery: Delivery) -> Answer:
        try:
            alerts = registry.parse(source.format, delivery)
        except BadAlert as bad:
            _LOG.warning("source %s: a delivery was quarantined: %s", delivery.source, bad.message)
            return self._answer(delivery, self.queue.put([order.quarantined(delivery, bad.message)]), "quarantined")
        wanted = [decision for alert in alerts if (decision := decide(self.loaded, alert)).rule]
        self.metrics.alerts(delivery.source, ["ignored"] * (len(alerts) - len(wanted)))
        if not wanted:
            return Answer(202, "ignored")
        return self._answer(delivery, self.queue.put([order.item(one, delivery, len(wanted)) for one in wanted]))

    def _answer(self, delivery: Delivery, placed: tuple[Placed, ...], outcome: str = "accepted") -> Answer:
        self.metrics.alerts(delivery.source, (f"{outcome if outcome != 'accepted' else one.fate}" for one in placed))
        if any(one.new for one in placed):
            self.bell.ring()
        _LOG.info("source %s: %s", delivery.source, ", ".join(f"job {one.id} {one.fate}" for one in placed))
        repeated = all(str(one.fate) == "duplicate" for one in placed)
        jobs = tuple({"id": one.id, "fate": str(one.fate)} for one in placed)
        return Answer(202, "duplicate" if repeated else outcome, jobs)
