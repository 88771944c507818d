"""Network: all services, endpoint slices and network policies of the namespace, for they name pods by label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import ENDPOINT_SLICES, NETWORK_POLICIES, SERVICES, Resource
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.model.permission import Permission
from irkit.model.pod import Target

LISTS = (SERVICES, ENDPOINT_SLICES, NETWORK_POLICIES)


@dataclass(frozen=True, slots=True)
class Network:
    """network/services.json, network/endpointslices.json, network/networkpolicies.json."""

    name: str = "network"
    needs: tuple[Permission, ...] = tuple(each.permission("list") for each in LISTS)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """The three lists; one that cannot be taken costs no other."""
        for each in LISTS:
            yield from _list(each, target, cluster, into)


def _list(resource: Resource, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
    about = f"{resource.plural} of namespace {target.namespace}"
    piece = Piece("network", f"network/{resource.plural}.json", about, resource.permission("list"))
    return into.pages(piece, lambda: cluster.pages(resource.path(target.namespace)))
