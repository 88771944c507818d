"""What pod.isolate@1 may be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from irkit import times
from irkit.errors import UsageError
from irkit.model.permission import Permission

if TYPE_CHECKING:
    from irkit.contain.quarantine import Extent

Port = Annotated[int, Meta(ge=1, le=65535)]


class How(Struct, frozen=True, forbid_unknown_fields=True):
    """How far to go.

    With `keep_labels` the pod gets our label and keeps all others, whatever finds it by them. `preserve`: annotations
    and a budget keep it from being evicted; `cordon`: its node takes no new pods; `guard`: only this group may delete
    it. `prove`: packets are sent by probes of `probe_image`, to `probe_ports` (default: those the pod declares) and,
    `probe_inside`, out of the pod. `kill_flows`: open connections are killed, from `probe_image`. `ttl`: when the
    quarantine may end ("90m").
    """

    keep_labels: bool = False
    preserve: bool = True
    cordon: bool = False
    guard: str = ""
    prove: bool = False
    probe_image: str = ""
    probe_ports: tuple[Port, ...] = ()
    probe_inside: bool = False
    kill_flows: bool = False
    ttl: str = ""

    def extent(self, started: datetime) -> Extent:
        """The same in the words of containment; raises UsageError for what cannot be asked for."""
        from irkit.contain.preserve.keep import Preserving
        from irkit.contain.proof.nouns import Proving
        from irkit.contain.quarantine import Extent

        if (self.cordon or self.guard) and not self.preserve:
            raise UsageError("to cordon or guard is to preserve, which is not wanted", "drop one of the two")
        if (self.probe_image or self.probe_ports or self.probe_inside) and not (self.prove or self.kill_flows):
            raise UsageError("a probe is described, but nothing is to be proved", "add --prove")
        if self.kill_flows and not self.probe_image:
            raise UsageError("to kill connections takes an image with ss (iproute2)", "--probe-image IMAGE")
        return Extent(
            keep_labels=self.keep_labels,
            preserve=Preserving(self.cordon, self.guard) if self.preserve else None,
            prove=Proving(self.probe_image, self.probe_ports, self.probe_inside) if self.prove else None,
            kill_flows=self.probe_image if self.kill_flows else "",
            until=started + _span(self.ttl) if self.ttl else None,
        )


def also(params: Mapping[str, Any]) -> Iterator[Permission]:
    """The permissions for what is asked for; a reference to an input may turn out to ask for it."""
    from irkit.contain.preserve import guard, node
    from irkit.contain.proof import experiment, inside
    from irkit.contain.vigil import deadline

    for key, needs in (
        ("cordon", node.NEEDS),
        ("guard", guard.NEEDS),
        ("prove", experiment.NEEDS),
        ("probe_inside", inside.NEEDS),
        ("kill_flows", inside.NEEDS),
        ("ttl", deadline.NEEDS),
    ):
        if params.get(key):
            yield from needs


def _span(text: str) -> timedelta:
    try:
        return times.parse_span(text)
    except ValueError as error:
        raise UsageError(str(error), "a number and a unit: 30m, 12h, 7d") from error
