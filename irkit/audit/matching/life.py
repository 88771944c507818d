"""What a log says of when a pod was made and removed, and when another took its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from irkit.audit.matching.likely import ADDRESS
from irkit.audit.matching.quarry import Quarry
from irkit.audit.matching.sure import another
from irkit.audit.read.event import Event
from irkit.model.audit import Tier


@dataclass(slots=True)
class Life:
    """One pod's, as far as it was read."""

    successor: datetime | None = None  # when another pod of the same name was first made; None: not seen
    ended: datetime | None = None  # when the pod itself was removed: its address is free for others; None: not seen
    begun: set[datetime] = field(default_factory=set)  # when the pod itself may have been made

    def note(self, pod: Quarry, event: Event) -> None:
        """Learn from one event, in the order of the log; nothing of a pod that is not looked for by its name."""
        if not pod.name:
            return
        if pod.succeeded_by(event):
            self.successor = self.successor or event.written
        if pod.ended_by(event) and not another(pod, event):
            self.ended = self.ended or event.written
        if event.received and pod.begun_by(event) and not another(pod, event):
            self.begun.add(event.received)

    def merge(self, other: Life) -> None:
        """Learn what another piece of a log says."""
        self.successor = min(filter(None, (other.successor, self.successor)), default=None)
        self.ended = min(filter(None, (other.ended, self.ended)), default=None)
        self.begun |= other.begun

    def holds(self, tier: Tier, reason: str, at: datetime, asked: datetime) -> bool:
        """Whether what matched so concerns this pod.

        False for what names a successor or, where its creation stands in the log, a predecessor; and for what came
        from its address when it was no more.
        """
        if tier is Tier.RELATED and reason.startswith(ADDRESS):
            return not (self.ended and asked > self.ended)
        if tier is not Tier.NAME:
            return True
        early = len(self.begun) == 1 and asked < min(self.begun)
        return not early and not (self.successor and at >= self.successor)
