"""A world from a cluster, as it is now: running pods with their addresses, namespaces, policies, cluster-wide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from irkit.cluster.engines import served
from irkit.cluster.objects import entries, items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import (
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PODS,
    TIERS,
    Resource,
)
from irkit.contain.policy.nouns import World
from irkit.contain.world.objects import world
from irkit.errors import ClusterError, NotFound
from irkit.model.permission import Permission

SOURCES = (NAMESPACES, PODS, NETWORK_POLICIES)
# Across all namespaces: a peer in any of them may be admitted.
NEEDS: tuple[Permission, ...] = tuple(replace(source.permission("list"), scope="cluster") for source in SOURCES)


def load(cluster: Cluster) -> World:
    """The world of `cluster`; raises Forbidden where it may not be listed whole."""
    try:
        return world(_objects(cluster), live=True)
    except ValueError as error:
        raise ClusterError(f"irkit cannot understand {error}", "a newer Kubernetes than irkit knows?") from error


def _objects(cluster: Cluster) -> Iterator[Json]:
    for source in SOURCES:
        yield from _listed(source, cluster)
    versions = served(cluster)
    tiers = [policy for source in TIERS if source.api_version in versions for policy in _tier(source, cluster)]
    yield from tiers
    if any(_speaks_of_nodes(policy) for policy in tiers):
        yield from _listed(NODES, cluster)


def _listed(source: Resource, cluster: Cluster) -> Iterator[Json]:
    return ({**item, "kind": source.kind} for item in items(cluster.pages(source.path())))


def _tier(source: Resource, cluster: Cluster) -> list[Json]:
    """A version of the group that is served need not have the kind."""
    try:
        return list(_listed(source, cluster))
    except NotFound:
        return []


def _speaks_of_nodes(policy: Json) -> bool:
    rules = entries(part(policy, "spec"), "egress")
    return any("nodes" in peer for rule in rules for peer in entries(rule, "to"))
