"""Checkpoint: the kubelet freezes a container for a moment and writes all of its memory to the node's disk.

The processes do not notice it. What was written stays on the node, readable by root alone: the kubelet hands out its
path and nothing else (kubernetes.io: kubelet checkpoint API; KEP-2008).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from irkit.cluster.protocol import Cluster, Reply
from irkit.cluster.resolve import check
from irkit.cluster.resources import NODES
from irkit.collect import gaps
from irkit.collect.collector import not_replaced, pod_of
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.containers import containers
from irkit.errors import NotFound, Overloaded
from irkit.model.evidence import Gap, GapReason
from irkit.model.isolation import Change
from irkit.model.permission import Permission
from irkit.model.pod import Target
from irkit.text import safe, slug

POST = NODES.permission("create", "proxy", optional=True)
_HINT = "it takes the feature ContainerCheckpoint, a runtime that can, and CRIU on the node"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """checkpoint/<container>.json: where on the node the memory of each running container lies now."""

    intend: Callable[[Change], None]
    timeout: int = 60  # seconds that the runtime may take for one container
    name: str = "checkpoint"
    needs: tuple[Permission, ...] = (POST,)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Container by container; the kubelet knows names alone, so the uid is asked for before and after."""
        pod = check(pod_of(target), cluster).json()
        for each in containers(pod):
            if each.kind == "regular" and "running" in (each.status.get("state") or {}):
                yield from self._container(each.name, target, cluster, into)

    def _container(self, name: str, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        place = f"checkpoint/{slug(name)}.json"
        piece = Piece(self.name, place, f"checkpoint of container {name}", POST)
        yield from into.document(piece, lambda: self._written(name, target, cluster))
        for path in (into.json(piece) or {}).get("items") or ():
            told = f"the kubelet wrote {safe(str(path))} on node {target.node}, and hands out no more than its path"
            hint = "hash it there and copy it, as root: it holds every secret of the container"
            yield Gap(self.name, f"memory of container {name}", GapReason.UNREACHABLE, told[:300], hint)

    def _written(self, name: str, target: Target, cluster: Cluster) -> Reply:
        detail = f"checkpoint of container {name}: the kubelet writes its memory to the disk of node {target.node}"
        self.intend(Change("checkpoint", "Pod", target.namespace, target.name, detail))
        parts = "/".join(quote(part, safe="") for part in (target.namespace, target.name, name))
        try:
            path = NODES.path(name=target.node, subresource="proxy") + f"/checkpoint/{parts}"
            reply = cluster.post(path, {"timeout": str(self.timeout)})
        except (NotFound, Overloaded) as error:
            if error.status == 429:  # the API server's own, before the kubelet was asked
                raise
            raise gaps.Unfit(f"the kubelet says {error.status}: {error.message}", _HINT) from error
        not_replaced(target, cluster)
        return reply
