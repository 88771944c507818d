"""Cut one pod off from the network, and say whether it holds.

Four requests when nobody comes in between: GET the pod, POST the policy, PATCH the pod, LIST the policies. The policy
comes first and selects nothing until the pod bears its label, so there is no half-way state to fear.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import NETWORK_POLICIES, PODS
from irkit.contain import marks
from irkit.contain.caveats import caveats
from irkit.contain.hand import Hand, difference, settled
from irkit.contain.policy.selector import Labels
from irkit.contain.verdict import judged, residuals
from irkit.errors import AlreadyExists, NotFound, Refused
from irkit.model.isolation import Change, Direction, Isolation, Proof, Residual, Verdict
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

ENGINE = NETWORK_POLICIES.api_version
NEEDS: tuple[Permission, ...] = (
    PODS.permission("get"),
    PODS.permission("patch"),
    NETWORK_POLICIES.permission("create"),
    NETWORK_POLICIES.permission("get"),
    NETWORK_POLICIES.permission("list"),
)


def isolate(
    pod: PodRef,
    cluster: Cluster,
    *,
    case: str,
    run: str = "",
    before: Callable[[Change], None],
    dry_run: bool = False,
) -> Isolation:
    """Quarantine `pod` and recompute what still gets through.

    `before` is called with each change ahead of sending it. A dry run lets the server check every change, makes none,
    and says what the verdict would be. Raises PodReplaced for a pinned pod whose name belongs to another; Refused when
    the policy's name is taken by something irkit did not make; Conflict when somebody changed the pod at every try.
    """
    hand = Hand(cluster, before, dry_run)
    return settled(lambda: _attempt(pod, hand, case, run))


def _attempt(pod: PodRef, hand: Hand, case: str, run: str) -> Isolation:
    seen = check(pod, hand.cluster).json()
    if beyond := _beyond(seen):
        return beyond
    ours = _policy(pod, seen, hand, case, run)
    labels = _label(seen, hand, case)
    listed = {_name(policy): policy for policy in items(hand.cluster.pages(NETWORK_POLICIES.path(pod.namespace)))}
    if hand.dry_run:
        listed[_name(ours)] = ours
    left = residuals(labels, listed.values(), _name(ours))
    open_ = {residual.policy for residual in left}
    proof = Proof(
        "policies-recomputed",
        f"{len(open_) or 'none'} of {len(listed)} policies lets traffic through",
        f"every NetworkPolicy of {pod.namespace}, read after the pod was labelled",
    )
    return _told(seen, proof, engine=ENGINE, changes=hand.changes, residual=left)


def _beyond(pod: Json) -> Isolation | None:
    """What to say of a pod that no policy can cut off, or need not; None for any other."""
    if part(pod, "spec").get("hostNetwork") is True:
        why = "the pod uses its node's network, where network policies do not apply"
        left = tuple(Residual("hostNetwork", direction, why) for direction in Direction)
        return _told(pod, Proof("pod-spec", "hostNetwork: true"), residual=left)
    phase = part(pod, "status").get("phase")
    if phase in ("Succeeded", "Failed"):
        ended = Proof("pod-status", f"phase {phase}", "its containers have ended: nothing is left to cut off")
        return _told(pod, ended, verdict=dict.fromkeys(Direction, Verdict.CLAIMED))
    return None


def _told(pod: Json, proof: Proof, **found: Any) -> Isolation:  # noqa: ANN401 - the other fields of Isolation
    namespace, name, uid = (pod["metadata"][key] for key in ("namespace", "name", "uid"))
    whole = {"engine": "", "verdict": judged(found.get("residual", ())), **found}
    return Isolation(namespace, name, uid, proof=(proof,), warnings=tuple(caveats(pod)), **whole)


def _policy(pod: PodRef, seen: Json, hand: Hand, case: str, run: str) -> Json:
    """The quarantining policy, made unless it is there; a pod that bears the label is taken to have one."""
    uid = seen["metadata"]["uid"]
    body = marks.quarantine(pod, uid, case, run)
    there = NETWORK_POLICIES.path(pod.namespace, _name(body))
    if part(seen["metadata"], "labels").get(marks.QUARANTINE) == uid:
        with suppress(NotFound):
            return _ours(hand.cluster.get(there).json(), uid)
    try:
        return hand.create(NETWORK_POLICIES, body, "denies the quarantined pod all traffic")
    except AlreadyExists:
        return _ours(hand.cluster.get(there).json(), uid)


def _ours(policy: Json, uid: str) -> Json:
    if marks.owner(policy) != uid:
        namespace, name = (policy["metadata"][key] for key in ("namespace", "name"))
        raise Refused(
            f"the NetworkPolicy {namespace}/{name} is in the way: irkit did not make it for this pod",
            "look at it, and delete it if nobody needs it",
        )
    return policy


def _label(seen: Json, hand: Hand, case: str) -> Labels:
    """The labels that the pod has once it is in quarantine, as the server says."""
    metadata = seen["metadata"]
    labels, notes, uid = part(metadata, "labels"), part(metadata, "annotations"), metadata["uid"]
    if labels.get(marks.QUARANTINE) == uid:
        return labels
    operations = [
        *difference("/metadata/labels", labels, marks.labelled(labels, uid)),
        *difference("/metadata/annotations", notes, marks.remember(notes, labels, case)),
    ]
    changed = hand.patch(PODS, seen, operations, f"label {marks.QUARANTINE}={uid}")
    return part(part(changed, "metadata"), "labels")


def _name(policy: Json) -> str:
    return str(policy["metadata"]["name"])
