"""Hubble: the pod's network flows, asked of the Cilium agent on its node, by exec of the agent's own client.

The agent keeps a ring of the last few thousand flows of the whole node; what fell out of it is gone, and `lost_events`
in the output says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import PODS
from irkit.collect import gaps
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.model.permission import Permission
from irkit.model.pod import Target

LIST = Permission("", "pods", "list", "cluster", optional=True)
EXEC = Permission("", "pods/exec", "get", "cluster", optional=True)
CREATE = Permission("", "pods/exec", "create", "cluster", optional=True)
LABELS = "k8s-app=cilium"
CONTAINER = "cilium-agent"
MOST = "10000"  # flows


@dataclass(frozen=True, slots=True)
class Hubble:
    """network/flows.jsonl: each flow from or to the pod that the agent still has, one a line."""

    name: str = "flows"
    needs: tuple[Permission, ...] = (LIST, EXEC, CREATE)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """A cluster without Cilium has no flows to ask for."""
        piece = Piece(self.name, "network/flows.jsonl", "network flows of the pod", EXEC)
        if not target.node:
            yield gaps.gap(piece, gaps.NeverExisted("the pod was not scheduled to a node"))
            return
        seeking = {"labelSelector": LABELS, "fieldSelector": f"spec.nodeName={target.node}"}
        agent = next(items(cluster.pages(PODS.path(), seeking)), None)
        if agent is None:
            yield gaps.gap(piece, gaps.NeverExisted(f"no Cilium agent runs on node {target.node}"))
            return
        metadata = part(agent, "metadata")
        path = PODS.path(str(metadata.get("namespace")), str(metadata.get("name")), "exec")
        pod = f"{target.namespace}/{target.name}"
        command = ["hubble", "observe", "--pod", pod, "--last", MOST, "-o", "jsonpb"]
        yield from into.stream(piece, partial(cluster.execute, path, command, CONTAINER), proof=lambda _: None)
