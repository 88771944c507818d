"""Cut one pod off from the network, and say whether it holds.

Everything that finds pods by labels is read first. Then the policy is created, which selects nothing until the pod
bears its label, so there is no half-way state to fear; then the pod gets its labels in one patch. Then the policies and
the pod are read again, for somebody may have come in between, and the verdict stands on what is found there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import NETWORK_POLICIES, PODS
from irkit.contain import marks, orphan
from irkit.contain import survey as surveying
from irkit.contain.caveats import caveats
from irkit.contain.engines import deny
from irkit.contain.hand import Hand, difference, settled
from irkit.contain.plan.owner import Owner
from irkit.contain.plan.solve import Plan
from irkit.contain.plan.words import changed, consequences
from irkit.contain.survey import Survey, planned, survey
from irkit.contain.verdict import families, judged, weakest
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
    *surveying.NEEDS,
    *orphan.NEEDS,
    *deny.NEEDS,
)
ROUNDS = 3  # of planning: what somebody adds meanwhile may need other labels again


def isolate(
    pod: PodRef,
    cluster: Cluster,
    *,
    case: str,
    run: str = "",
    before: Callable[[Change], None],
    dry_run: bool = False,
    keep_labels: bool = False,
) -> Isolation:
    """Quarantine `pod` and recompute what still gets through.

    `before` is called with each change ahead of sending it; that of the pod says what follows from it. A dry run lets
    the server check every change, makes none, and says what the verdict would be. With `keep_labels` the pod gets our
    label and keeps all others, whatever finds it by them. Raises PodReplaced for a pinned pod whose name belongs to
    another; Refused when the policy's name is taken by something irkit did not make; Conflict when somebody changed the
    pod at every try.
    """
    return by_hand(pod, Hand(cluster, before, dry_run), case, run, keep_labels=keep_labels)


def by_hand(pod: PodRef, hand: Hand, case: str, run: str, *, keep_labels: bool) -> Isolation:
    """The same, by a hand that may do more than this."""
    return settled(lambda: _attempt(pod, hand, case, run, keep_labels=keep_labels))


def _attempt(pod: PodRef, hand: Hand, case: str, run: str, *, keep_labels: bool) -> Isolation:
    seen = check(pod, hand.cluster).json()
    if beyond := _beyond(seen):
        return beyond
    pod = pod.pinned(seen["metadata"]["uid"])
    found = survey(hand.cluster, pod.namespace)
    ours = _policy(pod, seen, hand, case, run)
    plan, owner = planned(seen, found, keep_labels=keep_labels)
    said = dict.fromkeys(consequences(plan, owner))
    for _ in range(ROUNDS):
        seen = _label(seen, plan, owner, hand, case)
        if hand.dry_run:
            found.policies[_name(ours)] = ours
            break
        found = found.again(hand.cluster, pod.namespace)
        seen = check(pod, hand.cluster).json()
        plan, _ = planned(seen, found, keep_labels=keep_labels)
        if plan.labels == part(seen["metadata"], "labels"):
            break
    denied = deny.denied(deny.Case(pod, seen, _name(ours), case, run), found, hand)
    proof = [_recomputed(denied.left, found, pod), *denied.proof]
    if owner and _let_go(seen, owner, hand):
        proof.append(orphan.orphaned(pod, seen, owner, hand))
    warnings = (*said, *found.warnings(), *denied.warnings)
    engine = ", ".join((ENGINE, *denied.engines))
    told = {"engine": engine, "changes": hand.changes, "residual": denied.left}
    return _told(seen, *proof, warnings=warnings, **told, families=denied.judged(families(seen)))


def _recomputed(left: tuple[Residual, ...], found: Survey, pod: PodRef) -> Proof:
    open_ = {residual.policy for residual in left}
    return Proof(
        "policies-recomputed",
        f"{len(open_) or 'none'} of {len(found.policies)} policies lets traffic through",
        f"every NetworkPolicy of {pod.namespace}, read after the pod was labelled",
    )


def _let_go(seen: Json, owner: Owner, hand: Hand) -> bool:
    """True when the controller has to let go of the pod and it is not yet certain that it has."""
    metadata = seen["metadata"]
    return not hand.dry_run and not metadata.get("deletionTimestamp") and owner.lets_go(part(metadata, "labels"))


def _beyond(pod: Json) -> Isolation | None:
    """What to say of a pod that no policy can cut off, or need not; None for any other."""
    if part(pod, "spec").get("hostNetwork") is True:
        why = "the pod uses its node's network, where network policies do not apply"
        left = tuple(Residual("hostNetwork", direction, why) for direction in Direction)
        return _told(pod, Proof("pod-spec", "hostNetwork: true"), residual=left)
    phase = part(pod, "status").get("phase")
    if phase in ("Succeeded", "Failed"):
        ended = Proof("pod-status", f"phase {phase}", "its containers have ended: nothing is left to cut off")
        claimed = dict.fromkeys(families(pod), Verdict.CLAIMED)
        return _told(pod, ended, families=dict.fromkeys(Direction, claimed))
    return None


def _told(pod: Json, *proof: Proof, warnings: tuple[str, ...] = (), **found: Any) -> Isolation:  # noqa: ANN401 - the other fields of Isolation
    namespace, name, uid = (pod["metadata"][key] for key in ("namespace", "name", "uid"))
    by_family = found.get("families") or judged(found.get("residual", ()), families(pod))
    whole = {"engine": "", "verdict": weakest(by_family), **found, "families": by_family}
    return Isolation(namespace, name, uid, proof=proof, warnings=(*caveats(pod), *warnings), **whole)


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


def _label(seen: Json, plan: Plan, owner: Owner | None, hand: Hand, case: str) -> Json:
    """The pod once it bears the plan's labels, as the server says."""
    metadata = seen["metadata"]
    labels, notes = part(metadata, "labels"), part(metadata, "annotations")
    if labels == plan.labels:
        return seen
    known = f"{owner.kind}/{owner.name}" if owner else ""
    operations = [
        *difference("/metadata/labels", labels, plan.labels),
        *difference("/metadata/annotations", notes, marks.remember(notes, labels, plan.labels, case=case, owner=known)),
    ]
    detail = "; ".join([changed(labels, plan.labels), *consequences(plan, owner)])
    return hand.patch(PODS, seen, operations, detail)


def _name(policy: Json) -> str:
    return str(policy["metadata"]["name"])
