"""What a responder must know about an isolated pod beyond the verdict, as far as the pod itself tells."""

from __future__ import annotations

from collections.abc import Iterator

from irkit.cluster.objects import part
from irkit.cluster.protocol import Json


def caveats(pod: Json) -> Iterator[str]:
    """One line each, gravest first."""
    metadata, spec, status = part(pod, "metadata"), part(pod, "spec"), part(pod, "status")
    if metadata.get("deletionTimestamp"):
        yield f"the pod is being deleted since {metadata['deletionTimestamp']}: take its evidence now"
    if status.get("phase") in ("Succeeded", "Failed"):
        yield "the pod has ended: take its evidence before something deletes it"
        return
    if spec.get("hostNetwork") is True:
        yield "a pod on its node's network is cut off by cutting off the node: security group, firewall, host policy"
        return
    if "kubernetes.io/config.mirror" in part(metadata, "annotations"):
        yield "a static pod: its kubelet makes the mirror pod anew without our label, and only the node can stop it"
    yield "connections that were open before may go on: that is up to the policy engine"
    yield "the pod's own node, and containers of the same pod, can still reach it"
