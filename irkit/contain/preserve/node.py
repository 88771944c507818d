"""The pod's node: no new pods on it, no rebalancing of it, for as long as one holder needs that.

A holder is a quarantined pod, by its uid, or a run that was to cordon the node, by its id. What runs there goes on:
nothing is evicted, and so no evidence is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Json
from irkit.cluster.resources import NODES
from irkit.contain.hand import Hand, difference, settled
from irkit.contain.preserve import asides
from irkit.errors import NotFound, Refused
from irkit.model.permission import Permission

NEEDS: tuple[Permission, ...] = tuple(NODES.permission(verb, optional=True) for verb in ("get", "list", "patch"))
CORDONED = "irkit.dev/cordoned"  # a label, so that release finds the node of a pod that is gone
FOR = "irkit.dev/cordoned-for"  # the holders, separated by spaces
WAS = "irkit.dev/was-schedulable"  # "false": somebody else had cordoned it before
ASIDE = {"karpenter.sh/do-not-disrupt": "true"}


def cordon(hand: Hand, name: str, holder: str) -> str:
    """Have it cordoned for the holder; raises Refused where there is no node yet."""
    if not name:
        raise Refused("the pod has no node yet")
    settled(partial(_cordoned, hand, name, holder))
    return f"node {name} takes no new pods"


def uncordon(hand: Hand, holders: Iterable[str]) -> None:
    """Take it back for these holders, on whichever node; where nobody needs it any more, the node is as it was."""
    gone = set(holders)
    for found in list(items(hand.cluster.pages(NODES.path(), {"labelSelector": CORDONED}))):
        if gone & _holders(found):
            give_up(hand, str(found["metadata"]["name"]), gone)


def give_up(hand: Hand, name: str, gone: set[str]) -> None:
    """The same, on the one node."""
    settled(partial(_uncordoned, hand, name, gone))


def _cordoned(hand: Hand, name: str, holder: str) -> None:
    seen = hand.cluster.get(NODES.path(name=name)).json()
    holders = _holders(seen)
    if holder in holders:
        return
    labels, notes = part(seen["metadata"], "labels"), part(seen["metadata"], "annotations")
    free = part(seen, "spec").get("unschedulable") is not True
    new = {WAS: str(free).lower(), **asides.put(notes, ASIDE), FOR: " ".join(sorted({*holders, holder}))}
    operations = [
        *difference("/metadata/labels", labels, {**labels, CORDONED: "true"}),
        *difference("/metadata/annotations", notes, new),
        *([{"op": "add", "path": "/spec/unschedulable", "value": True}] if free else []),
    ]
    hand.patch(NODES, seen, operations, "cordoned: no new pods beside the evidence, no rebalancing of the node")


def _uncordoned(hand: Hand, name: str, gone: set[str]) -> None:
    try:
        seen = hand.cluster.get(NODES.path(name=name)).json()
    except NotFound:
        return  # its cordon went with it
    labels, notes = part(seen["metadata"], "labels"), part(seen["metadata"], "annotations")
    left, free = _holders(seen) - gone, notes.get(WAS) == "true"
    operations: list[Json] = []
    if left:
        operations += difference("/metadata/annotations", notes, {**notes, FOR: " ".join(sorted(left))})
    elif FOR in notes:
        rest = {key: value for key, value in asides.put_back(notes, ASIDE).items() if key not in (FOR, WAS)}
        operations += difference("/metadata/annotations", notes, rest)
        operations += difference("/metadata/labels", labels, {k: v for k, v in labels.items() if k != CORDONED})
        if free and part(seen, "spec").get("unschedulable") is True:
            operations.append({"op": "remove", "path": "/spec/unschedulable"})
    if operations:
        hand.patch(NODES, seen, operations, "one less needs the node kept" if left else "takes new pods again")


def _holders(node: Json) -> set[str]:
    return set(part(node["metadata"], "annotations").get(FOR, "").split())
