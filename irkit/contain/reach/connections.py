"""Who may talk to whom in a world, now or after isolation, as `irkit reach` tells it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from irkit.cluster.protocol import Json
from irkit.contain import marks
from irkit.contain.plan.claims import Claim, of_policies
from irkit.contain.plan.solve import solve
from irkit.contain.policy import spans
from irkit.contain.policy.alike import groups
from irkit.contain.policy.allow import Judge, Party
from irkit.contain.policy.nouns import Endpoint, World
from irkit.contain.policy.read import policy
from irkit.contain.policy.selector import Labels, Requirement
from irkit.contain.policy.spans import EVERY_PORT, Spans
from irkit.errors import UsageError
from irkit.model.isolation import Direction
from irkit.model.pod import PodRef


@dataclass(frozen=True, slots=True)
class Ways:
    """What is open between two ends, by their names: from the first to the second."""

    found: dict[str, dict[str, Spans]] = field(default_factory=lambda: defaultdict(dict))

    def note(self, sources: Collection[str], targets: Collection[str], found: Spans) -> None:
        """Pods of one workload go under one name, so what any of them may counts; the workload to itself does not."""
        for source in sources if found else ():
            row = self.found[source]
            for target in targets:
                if source != target:
                    known = row.get(target, found)
                    row[target] = found if known == found else known | found

    def told(self) -> Iterator[Json]:
        """As `reach` gives them."""
        listed = cache(_listed)
        for source, row in sorted(self.found.items()):
            yield from ({"src": source, "dst": target, "ports": listed(row[target])} for target in sorted(row))


def reach(world: World, pod: PodRef | None = None, *, namespace: str | None = None) -> list[Json]:
    """Every connection that policies allow, sorted by source, destination: {"src", "dst", "ports"}.

    With `pod` or `namespace` those that have an end in it.
    An end is "namespace/name[Kind]" or a network outside the cluster ("0.0.0.0/0"); ports are "all" or a list of
    {"protocol", "port", "endPort"}. What no policy can forbid is left out: a pod to itself, its node to it. Raises
    UsageError for a pod that is not in the world.
    """
    ours = [one for one in world.endpoints if not pod or is_pod(one, pod)]
    ours = [one for one in ours if not namespace or one.namespace == namespace]
    if pod is not None and not ours:
        raise UsageError(f"there is no {pod} here that talks to anybody", "check the name and the namespace")
    judge, ways = Judge(world), Ways()
    everybody, versions = groups(world, world.endpoints), _versions(world)
    for one, names in groups(world, ours):
        for other, others in everybody:
            ways.note(names, others, judge.ports(one, other))
            if pod or namespace:
                ways.note(others, names, judge.ports(other, one))
        for version in versions:
            _outside(ways, judge, one, names, version)
    return list(ways.told())


def isolated(world: World, pod: PodRef, labels: Labels | None = None) -> World:
    """`world` once `pod` is in quarantine, with `labels` (default: those that the world's policies ask for)."""
    uid = labels[marks.QUARANTINE] if labels else pod.uid or "quarantine"
    quarantine = policy(marks.quarantine(pod, uid, "", ""))
    claims = list(of_policies(one for one in world.policies if one.namespace == pod.namespace))
    changed = (
        replace(one, labels=labels or _relabelled(one, uid, claims)) if is_pod(one, pod) else one
        for one in world.endpoints
    )
    return replace(world, endpoints=tuple(changed), policies=(*world.policies, quarantine))


def _relabelled(one: Endpoint, uid: str, claims: Iterable[Claim]) -> Labels:
    """A StatefulSet selects by labels of its template, and its pods stay with it."""
    keep = [Requirement(key, "In", frozenset({value})) for key, value in one.labels.items()]
    return solve(one.labels, uid, claims, keep if one.kind == "StatefulSet" else ()).labels


def is_pod(one: Endpoint, pod: PodRef) -> bool:
    """True for the endpoint that `pod` names, of whichever kind it is."""
    return (one.namespace, one.name) == (pod.namespace, pod.name)


def _outside(ways: Ways, judge: Judge, one: Endpoint, names: Collection[str], version: int) -> None:
    for into in (True, False):
        by_ports: Mapping[Spans, list[tuple[int, int]]] = _by_ports(judge, one, version, into=into)
        for found, cells in by_ports.items():
            networks = [str(network) for network in spans.networks(spans.make(cells))]
            sources, targets = (networks, names) if into else (names, networks)
            ways.note(sources, targets, found)


def _by_ports(judge: Judge, one: Endpoint, version: int, *, into: bool) -> dict[Spans, list[tuple[int, int]]]:
    """Addresses outside, as places on their line, by the ports that are open between them and the pod."""
    found: dict[Spans, list[tuple[int, int]]] = defaultdict(list)
    for first, last in _cells(judge, one, Direction.INGRESS if into else Direction.EGRESS, version):
        outside: Party = spans.address(first)
        if open_ := judge.ports(outside, one) if into else judge.ports(one, outside):
            found[open_].append((first, last))
    return found


def _cells(judge: Judge, one: Endpoint, direction: Direction, version: int) -> Iterator[tuple[int, int]]:
    """Ranges of addresses within which no rule of the pod tells one from another."""
    first, last = spans.whole(version)
    marks_ = {
        edge for block in set(judge.blocks(one, direction)) for edge in spans.edges(block) if first < edge <= last
    }
    bounds = [first, *sorted(marks_), last + 1]
    return ((low, high - 1) for low, high in zip(bounds, bounds[1:], strict=False))


def _versions(world: World) -> tuple[int, ...]:
    """IPv6 is spoken of where an address or a policy does."""
    spoken = {address.version for one in world.endpoints for address in one.addresses}
    named = {peer.block.network.version for peer in world.peers if peer.block}
    return (4, 6) if 6 in spoken | named else (4,)


def _listed(found: Spans) -> str | list[Json]:
    if found == EVERY_PORT:
        return "all"
    return [
        {"protocol": protocol, "port": first, "endPort": last} for protocol, first, last in spans.by_protocol(found)
    ]
