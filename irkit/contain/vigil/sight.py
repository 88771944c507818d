"""What a watch looks at, and the scene that it makes of what it sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from irkit.cluster.engines import served
from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json, Query
from irkit.cluster.resources import (
    CALICO_POLICIES,
    CALICO_TIERS,
    CILIUM_NETWORK_POLICIES,
    CONFIG_MAPS,
    NAMESPACES,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    TIERS,
)
from irkit.cluster.watch import State
from irkit.contain import admission, marks
from irkit.contain.engines import calico, cilium
from irkit.contain.preserve import guard
from irkit.contain.verdict import Tiers
from irkit.contain.vigil.drift import Deny, Scene
from irkit.contain.world.objects import NAME_LABEL
from irkit.errors import Forbidden
from irkit.model.pod import PodRef

NEEDED = frozenset({"pod", "policies"})  # all others are optional: without the right to see these the watch goes on
_OWN = (CILIUM_NETWORK_POLICIES, CALICO_POLICIES)  # engines whose deny closes all
_KINDS = {each.full_name: each for each in (*TIERS, *_OWN)}
_CILIUM, _CALICO = (each.full_name for each in _OWN)

Seen = Mapping[str, State]  # by what is watched


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing to watch. `needless`: where the API server knows no such kind, nothing is missed."""

    name: str
    path: str
    query: Query
    needless: bool = False


def sights(pod: PodRef, cluster: Cluster) -> list[Sight]:
    """Everything that the cluster has; where its API groups may not be listed, everything that it might have."""
    return [*_of_ours(pod), *_of_engines(pod, _served(cluster))]


def _of_ours(pod: PodRef) -> Iterator[Sight]:
    yield Sight("pod", PODS.path(pod.namespace), _named(pod.name))
    yield Sight("policies", NETWORK_POLICIES.path(pod.namespace), {})
    yield Sight("budgets", POD_DISRUPTION_BUDGETS.path(pod.namespace), marks.OURS)
    yield Sight("guards", admission.POLICIES.path(), marks.OURS)
    yield Sight("bindings", admission.BINDINGS.path(), marks.OURS)


def _served(cluster: Cluster) -> frozenset[str]:
    try:
        return served(cluster)
    except Forbidden:
        return frozenset(each.api_version for each in _KINDS.values())


def _of_engines(pod: PodRef, versions: frozenset[str]) -> Iterator[Sight]:
    tiers = [each for each in TIERS if each.api_version in versions]
    for each in tiers:
        yield Sight(each.full_name, each.path(), {}, needless=True)
    if tiers:
        yield Sight("namespace", NAMESPACES.path(), _named(pod.namespace))
    for each in (each for each in _OWN if each.api_version in versions):
        yield Sight(each.full_name, each.path(pod.namespace), marks.OURS, needless=True)
    if CILIUM_NETWORK_POLICIES.api_version in versions:
        yield Sight("cilium-config", CONFIG_MAPS.path(cilium.CONFIG[0]), _named(cilium.CONFIG[1]))
    if CALICO_POLICIES.api_version in versions:
        yield Sight("tiers", CALICO_TIERS.path(), {}, needless=True)


def _named(name: str) -> Query:
    return {"fieldSelector": f"metadata.name={name}"}


def scene(pod: PodRef, seen: Seen) -> Scene:
    """What there is now, as far as it is seen."""
    uid = str(pod.uid)
    guards = [
        any(admission.is_ours(each, guard.PREFIX, pod) for each in _all(seen, kind)) for kind in ("guards", "bindings")
    ]
    return Scene(
        uid,
        seen.get("pod", {}).get(uid),
        {str(each["metadata"]["name"]): each for each in _all(seen, "policies")},
        frozenset(str(marks.owner(each)) for each in _all(seen, "budgets")),
        all(guards),
        tiers=_tiers(pod, seen),
        denies=tuple(_denies(pod, seen)),
    )


def _tiers(pod: PodRef, seen: Seen) -> Tiers:
    """Items of a list do not repeat their kind."""
    listed = [
        {**each, "kind": kind.kind} for name, kind in _KINDS.items() if kind in TIERS for each in _all(seen, name)
    ]
    space: Json = next((part(each["metadata"], "labels") for each in _all(seen, "namespace")), {})
    return Tiers(tuple(listed), {**space, NAME_LABEL: pod.namespace})


def _denies(pod: PodRef, seen: Seen) -> Iterator[Deny]:
    wanted = {_CILIUM: cilium.spec(str(pod.uid)), _CALICO: calico.spec(str(pod.uid), pod.namespace)}
    for name, kind in _KINDS.items():
        for each in _all(seen, name):
            if marks.owner(each) == pod.uid:
                altered = name in wanted and not admission.covers(each.get("spec"), wanted[name])
                why = "it is not as irkit made it" if altered else _obstacle(name, seen)
                yield Deny(f"{kind.kind} {each['metadata']['name']}", whole=kind in _OWN, obstacle=why)


def _obstacle(name: str, seen: Seen) -> str:
    """Why a deny of the kind does not hold; "" where nothing is known to be in its way."""
    if name == _CILIUM:
        return next((cilium.obstacle(part(each, "data")) or "" for each in _all(seen, "cilium-config")), "")
    if name == _CALICO and "tiers" in seen:
        return calico.obstacle(_all(seen, "tiers")) or ""
    return ""


def _all(seen: Seen, name: str) -> list[Json]:
    return list(seen.get(name, {}).values())
