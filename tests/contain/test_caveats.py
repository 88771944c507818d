"""What a pod itself tells a responder."""

from __future__ import annotations

import pytest

from irkit.cluster.protocol import Json
from irkit.contain.caveats import caveats

PLAIN = [
    "connections that were open before may go on: that is up to the policy engine",
    "the pod's own node, and containers of the same pod, can still reach it",
]


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        ({}, PLAIN),
        ({"metadata": {"ownerReferences": [{"kind": "A", "name": "b"}]}}, PLAIN),
        (
            {"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}]}},
            PLAIN,
        ),
        (
            {"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}},
            ["a static pod: its kubelet makes the mirror pod anew without our label, and only the node can stop it"]
            + PLAIN,
        ),
        (
            {"spec": {"hostNetwork": True}},
            ["a pod on its node's network is cut off by cutting off the node: security group, firewall, host policy"],
        ),
        (
            {"status": {"phase": "Failed"}},
            ["the pod has ended: take its evidence before something deletes it"],
        ),
    ],
)
def test_what_is_said(pod: Json, said: list[str]) -> None:
    assert list(caveats(pod)) == said
