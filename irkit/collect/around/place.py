"""The place: the node the pod runs on, and its namespace. Both are objects of the cluster, so both only enrich."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import NAMESPACES, NODES
from irkit.collect import gaps
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.model.permission import Permission
from irkit.model.pod import Target

GET_NODE = NODES.permission("get", optional=True)
GET_NAMESPACE = NAMESPACES.permission("get", optional=True)


@dataclass(frozen=True, slots=True)
class Node:
    """node/node.json."""

    name: str = "node"
    needs: tuple[Permission, ...] = (GET_NODE,)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """The node's object; a pod that was never scheduled has none."""
        piece = Piece(self.name, "node/node.json", f"node {target.node}".strip(), GET_NODE)
        if not target.node:
            yield gaps.gap(piece, gaps.NeverExisted("the pod was not scheduled to a node"))
            return
        yield from into.document(piece, lambda: cluster.get(NODES.path(name=target.node)))


@dataclass(frozen=True, slots=True)
class Namespace:
    """pod/namespace.json: the labels and annotations under which the pod was admitted."""

    name: str = "namespace"
    needs: tuple[Permission, ...] = (GET_NAMESPACE,)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """The namespace's object."""
        piece = Piece(self.name, "pod/namespace.json", f"namespace {target.namespace}", GET_NAMESPACE)
        yield from into.document(piece, lambda: cluster.get(NAMESPACES.path(name=target.namespace)))
