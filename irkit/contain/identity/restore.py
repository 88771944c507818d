"""Give a pod its identity back: exactly what was taken, told from what the objects themselves carry."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.contain import marks
from irkit.contain.hand import Hand
from irkit.contain.identity import deny, strip
from irkit.contain.identity import grants as granted
from irkit.contain.identity.nouns import Restored
from irkit.contain.identity.revoke import changed
from irkit.errors import NotFound
from irkit.model.isolation import Change
from irkit.model.pod import PodRef


def restore(pod: PodRef, cluster: Cluster, *, before: Callable[[Change], None], dry_run: bool = False) -> Restored:
    """Take back whatever was done to the identity of `pod`.

    Subjects come back first, the policy goes last: a crash between the two leaves the pod unable to write. What another
    revoked pod of the account still wants gone stays gone. A pod that is gone or replaced leaves its policy behind,
    which is taken away all the same. Raises NotFound for an unpinned name that nobody knows, Refused for a memory that
    was altered.
    """
    hand = Hand(cluster, before, dry_run)
    ours = deny.found(cluster, pod)
    uids = _uids(pod, cluster, [each for _, each in ours])
    read = granted.bindings(cluster, pod.namespace)
    for uid in uids:
        for resource, binding in read.found:
            if strip.memories(binding, uid):
                changed(hand, resource, binding, partial(_returned, uid=uid), f"on behalf of {pod}, subjects returned")
    deny.take_away(hand, ours)
    return Restored(hand.changes, tuple(read.gaps))


def _returned(binding: Json, *, uid: str) -> list[Json]:
    """One pod has one account, so that at most one memory on a binding is on its behalf."""
    return next((strip.returned(binding, known, uid) for known in strip.memories(binding, uid)), [])


def _uids(pod: PodRef, cluster: Cluster, ours: list[Json]) -> list[str]:
    """The uids that the name stands for."""
    known = [str(part(each["metadata"], "annotations")[marks.UID]) for each in ours]
    if pod.uid:
        return [pod.uid]
    try:
        known.append(str(check(pod, cluster).json()["metadata"]["uid"]))
    except NotFound:
        if not known:
            raise
    return list(dict.fromkeys(known))
