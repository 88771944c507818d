"""Node logs: what the kubelet and the container runtime wrote about the pod's node, by query of the node's journal.

Off unless asked, though it alters nothing: the right it takes, get nodes/proxy, reaches exec in every pod of the node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from irkit import times
from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import NODES
from irkit.collect import gaps
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.errors import ClusterError
from irkit.model.permission import Permission
from irkit.model.pod import Target

GET = NODES.permission("get", "proxy", optional=True)
NODE = NODES.permission("get", optional=True)
# As node.status.nodeInfo.containerRuntimeVersion names a runtime, and its unit.
RUNTIMES = {"containerd": "containerd", "cri-o": "crio", "docker": "docker"}
_LISTING = (b"<!doctype html>", b"<pre>")


@dataclass(frozen=True, slots=True)
class NodeLogs:
    """node/kubelet.log and the runtime's, such as node/containerd.log, from the pod's creation on."""

    name: str = "node-logs"
    needs: tuple[Permission, ...] = (GET, NODE)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Both logs whole: a node's journal tells what befell its pods, and how it was dealt with."""
        if not target.node:
            piece = Piece(self.name, "", "logs of the node", GET)
            yield gaps.gap(piece, gaps.NeverExisted("the pod was not scheduled to a node"))
            return
        path = NODES.path(name=target.node, subresource="proxy") + "/logs/"
        since = {"sinceTime": times.rfc3339(target.created)} if target.created else {}
        for unit in ("kubelet", *_runtime(target, cluster)):
            piece = Piece(self.name, f"node/{unit}.log", f"log of {unit} on node {target.node}", GET)
            yield from into.stream(piece, partial(cluster.stream, path, {"query": unit} | since), proof=_not_a_listing)


def _runtime(target: Target, cluster: Cluster) -> Iterator[str]:
    """The unit of the node's container runtime, where the node may be read and we know it."""
    try:
        node = cluster.get(NODES.path(name=target.node)).json()
    except ClusterError:
        return
    version = str(part(part(node, "status"), "nodeInfo").get("containerRuntimeVersion") or "")
    unit = RUNTIMES.get(version.partition("://")[0])
    if unit:
        yield unit


def _not_a_listing(first: bytes) -> None:
    """A kubelet whose enableSystemLogQuery is off ignores the query and lists /var/log (seen on 1.37: status 200)."""
    if first.lstrip().lower().startswith(_LISTING):
        raise gaps.Unfit("the kubelet lists files instead", "it takes enableSystemLogQuery: true in its configuration")
