"""A world from a cluster, as it is now: running pods with their addresses, namespaces, policies, cluster-wide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from irkit.cluster.objects import items
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import NAMESPACES, NETWORK_POLICIES, PODS
from irkit.contain.policy.nouns import World
from irkit.contain.world.objects import world
from irkit.errors import ClusterError
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
        for item in items(cluster.pages(source.path())):
            yield {**item, "kind": source.kind}
