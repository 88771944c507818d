"""When a quarantine is to end by itself: written on its policy, so that whoever looks at the time can act on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial

from irkit import times
from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import NETWORK_POLICIES
from irkit.contain import marks
from irkit.contain.hand import Hand, difference, settled
from irkit.errors import UsageError
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

UNTIL = "irkit.dev/release-after"
NEEDS: tuple[Permission, ...] = tuple(NETWORK_POLICIES.permission(verb, optional=True) for verb in ("get", "patch"))


def put(hand: Hand, pod: PodRef, until: datetime) -> None:
    """Have the quarantine of the pinned `pod` end then, sooner or later than it would have."""
    if not hand.dry_run:
        settled(partial(_put, hand, pod, times.rfc3339(until)))


def _put(hand: Hand, pod: PodRef, until: str) -> None:
    policy = hand.cluster.get(NETWORK_POLICIES.path(pod.namespace, marks.policy_name(str(pod.uid)))).json()
    notes = part(policy["metadata"], "annotations")
    if notes.get(UNTIL) != until:
        operations = list(difference("/metadata/annotations", notes, {**notes, UNTIL: until}))
        hand.patch(NETWORK_POLICIES, policy, operations, f"to be released after {until}")


def of(policy: Json) -> datetime | None:
    """When the quarantine ends; None: it does not end by itself, or nobody can tell from what is written there."""
    with suppress(ValueError):
        return times.parse(str(part(policy["metadata"], "annotations").get(UNTIL)))
    return None


def over(cluster: Cluster, namespace: str | None, now: datetime) -> Iterator[tuple[PodRef, datetime]]:
    """The pods whose quarantine is over by `now`, and since when; in one namespace, or (None) in all.

    Raises ClusterError.
    """
    for policy in items(cluster.pages(NETWORK_POLICIES.path(namespace), marks.OURS)):
        uid, until, metadata = marks.owner(policy), of(policy), policy["metadata"]
        if uid and until and until <= now:
            # What somebody wrote there that no pod is called by is none of ours.
            with suppress(UsageError):
                yield PodRef(metadata["namespace"], str(part(metadata, "annotations").get(marks.POD)), uid), until
