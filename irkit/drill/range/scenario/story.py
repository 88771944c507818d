"""The scenarios that a range can start with."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from irkit.drill.range.access.audit import AuditLog
from irkit.drill.range.answer import Json
from irkit.drill.range.scenario import bare, diary, objects, record
from irkit.drill.range.scenario.clock import told
from irkit.drill.range.state.logs import Logs
from irkit.drill.range.state.store import Store


@dataclass(frozen=True)
class Scenario:
    """What a range starts with: `victim` is the pod to respond to, in `namespace`."""

    name: str
    cluster: Callable[[], list[Json]]
    namespace: str = "default"
    victim: str = ""  # "" where nothing has happened

    def seed(self, store: Store, logs: Logs, audit: AuditLog, now: datetime) -> None:
        """Fill an empty range; the same `now` gives the same story."""
        rng = random.Random(4711)  # noqa: S311 - chatter, the same for everyone
        store.seed(told(self.cluster(), now))
        if not self.victim:
            return
        pods = {pod["metadata"]["name"]: pod for pod in store.everything("Pod")}
        diary.write(logs, pods, self.victim, now, rng)
        audit.seed(b"".join(record.lines(now, rng)))


def _with_allow_policies() -> list[Json]:
    return [*objects.objects(), *objects.allow_policies()]


# The pod can be isolated: no policy lets anything through to it.
PAYMENTS = Scenario("payments", objects.objects, "payments", objects.VICTIM)
# It cannot: policies are additive, and one allows everything to every pod of the namespace.
PAYMENTS_OPEN = Scenario("payments-open", _with_allow_policies, "payments", objects.VICTIM)
# An empty cluster of one node.
BARE = Scenario("bare", bare.objects)

SCENARIOS = (PAYMENTS, PAYMENTS_OPEN, BARE)
