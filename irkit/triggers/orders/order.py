"""What the server leaves in the queue, and a worker finds there: what was decided, and what it was decided on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from irkit.model import codec
from irkit.model.alert import Alert
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.queue.protocol import Item
from irkit.triggers.routing.route import Decision

KIND = "alert"
# Of a delivery with many alerts each keeps the whole body, as long as that is not more than this in all.
RAW_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """One alert to be acted upon. The inputs are checked; the playbook may have changed since: see its hash."""

    source: str
    received: datetime
    raw_sha256: str
    raw: bytes | None = None  # None: too large to keep once for each of its alerts
    alert: Alert | None = None  # None: quarantined, not understood
    rule: str = ""
    playbook: str = ""
    playbook_sha256: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)


def item(decision: Decision, delivery: Delivery, alerts: int) -> Item:
    """One of the `alerts` of a delivery, for the queue; a dead letter where its playbook cannot be started."""
    order = Order(
        source=delivery.source,
        received=delivery.received,
        raw_sha256=delivery.sha256,
        raw=delivery.body if alerts * len(delivery.body) <= RAW_BYTES else None,
        alert=decision.alert,
        rule=decision.rule,
        playbook=decision.playbook,
        playbook_sha256=decision.playbook_sha256,
        inputs=decision.inputs,
    )
    # A key counts within its source only: else who may post to one could make another's alerts look like repeats.
    key = f"{delivery.source}/{decision.alert.key}"
    group = "" if decision.problem else decision.group
    return Item(KIND, key, codec.compact(order), group, dead=decision.problem)


def quarantined(delivery: Delivery, why: str) -> Item:
    """A delivery that is authentic and not understood: kept, shown, and tried by nobody."""
    order = Order(delivery.source, delivery.received, delivery.sha256, delivery.body)
    return Item(KIND, f"{delivery.source}/raw/{delivery.sha256}", codec.compact(order), dead=why)


def read(body: bytes) -> Order:
    """The order in a job's body; raises ValueError."""
    return codec.build(Order, msgspec.json.decode(body))
