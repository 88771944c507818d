"""The whole of it: cut off, kept in being, proved, open connections killed, with an end in sight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from irkit.contain.hand import Hand
from irkit.contain.isolate import by_hand
from irkit.contain.preserve.keep import Preserving, preserved
from irkit.contain.vigil import deadline
from irkit.model.isolation import Isolation
from irkit.model.pod import PodRef

if TYPE_CHECKING:
    from irkit.contain.proof.nouns import Proving


@dataclass(frozen=True, slots=True)
class Extent:
    """How far to go. None and "" leave a part out; `until` is when the pod is to be released, by who watches time."""

    keep_labels: bool = False
    preserve: Preserving | None = None
    prove: Proving | None = None
    kill_flows: str = ""  # the image to do it with
    until: datetime | None = None


def quarantine(pod: PodRef, hand: Hand, extent: Extent, *, case: str, run: str) -> Isolation:
    """Isolate `pod` and all that was asked for around it; none of that costs the isolation when it fails.

    Raises what `isolate` raises.
    """

    def attempt() -> Isolation:
        done = by_hand(pod, hand, case, run, keep_labels=extent.keep_labels)
        if not done.engine:
            return done
        if extent.until:
            deadline.put(hand, PodRef(done.namespace, done.name, done.uid), extent.until)
        return preserved(done, hand, extent.preserve, case, run) if extent.preserve else done

    if extent.prove:
        from irkit.contain.proof.prove import proved

        done = proved(pod, hand, extent.prove, case=case, run=run, attempt=attempt)
    else:
        done = attempt()
    if extent.kill_flows and done.engine:
        from irkit.contain.proof import flows

        cut = flows.cut(hand, PodRef(done.namespace, done.name, done.uid), extent.kill_flows)
        done = replace(done, proof=(*done.proof, cut))
    return replace(done, changes=hand.changes)
