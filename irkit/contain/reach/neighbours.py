"""One pod and those it may talk with, now and once it is isolated, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Json
from irkit.contain.policy.nouns import World
from irkit.contain.policy.selector import Labels
from irkit.contain.reach.connections import is_pod, isolated, reach
from irkit.model.pod import PodRef

Ports = str | list[Json]  # as `reach` tells them; [] is none


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What `irkit reach POD` tells: connections as `reach` gives them, `isolated` those that isolation leaves."""

    names: frozenset[str]  # of the pod among the ends; several where a workload is called like it
    connections: list[Json]
    isolated: list[Json]

    def sides(self) -> Iterator[tuple[str, str, Ports, Ports]]:
        """("from" or "to", the other end, its ports now, and once isolated): who may talk to it first."""
        for way, own, other in (("from", "dst", "src"), ("to", "src", "dst")):
            found: dict[str, list[Ports]] = defaultdict(lambda: [[], []])
            for when, connections in enumerate((self.connections, self.isolated)):
                for one in connections:
                    if one[own] in self.names:
                        found[one[other]][when] = one["ports"]
            yield from ((way, peer, now, then) for peer, (now, then) in sorted(found.items()))


def neighbours(world: World, pod: PodRef, labels: Labels | None = None) -> Neighbours:
    """Raises UsageError for a pod that is not in the world. `labels` as for `isolated`."""
    now = reach(world, pod)
    names = frozenset(str(one) for one in world.endpoints if is_pod(one, pod))
    return Neighbours(names, now, reach(isolated(world, pod, labels), pod))
