"""The admin tier's deny, in its three spellings.

Ingress rules can name pods only: what comes from outside the cluster and from nodes is left to NetworkPolicies, ours
among them. Egress is denied by network too, which means pods as well as everything else.
"""

from __future__ import annotations

from irkit.cluster.protocol import Json
from irkit.cluster.resources import AWS_NETWORK_POLICIES, CLUSTER_NETWORK_POLICIES, Resource
from irkit.contain import marks
from irkit.contain.world.objects import NAME_LABEL

CLUSTER = (AWS_NETWORK_POLICIES, CLUSTER_NETWORK_POLICIES)  # those that name their tier


def spec(resource: Resource, uid: str, namespace: str) -> Json:
    """Deny the one pod both directions, with the first priority there is: a tie is for the engine to decide."""
    every: Json = {"namespaces": {}}
    subject = {
        "namespaceSelector": {"matchLabels": {NAME_LABEL: namespace}},
        "podSelector": {"matchLabels": {marks.QUARANTINE: uid}},
    }
    return {
        **({"tier": "Admin"} if resource in CLUSTER else {}),
        "priority": 0,
        "subject": {"pods": subject},
        "ingress": [{"name": "irkit-in", "action": "Deny", "from": [every]}],
        "egress": [{"name": "irkit-out", "action": "Deny", "to": [every, {"networks": ["0.0.0.0/0", "::/0"]}]}],
    }
