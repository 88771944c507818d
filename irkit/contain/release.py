"""Give a quarantined pod its network back: exactly what irkit changed, told from what the objects themselves carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import NETWORK_POLICIES, POD_DISRUPTION_BUDGETS, PODS
from irkit.contain import admission, marks
from irkit.contain.engines.undo import NEEDS as OF_ENGINES
from irkit.contain.engines.undo import denies, taken_back
from irkit.contain.hand import Hand, difference, settled
from irkit.contain.plan.words import changed
from irkit.contain.preserve import asides, keep
from irkit.contain.proof import pods, probe
from irkit.errors import NotFound, PodReplaced, Refused
from irkit.model.isolation import Change
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

NEEDS: tuple[Permission, ...] = (
    PODS.permission("get"),
    PODS.permission("patch"),
    NETWORK_POLICIES.permission("list"),
    NETWORK_POLICIES.permission("delete"),
    *(POD_DISRUPTION_BUDGETS.permission(verb, optional=True) for verb in ("delete", "list")),
    *OF_ENGINES,
)


def release(
    pod: PodRef,
    cluster: Cluster,
    *,
    before: Callable[[Change], None],
    dry_run: bool = False,
    force: bool = False,
    warn: Callable[[str], None] = lambda _: None,
) -> tuple[Change, ...]:
    """The changes made to release `pod`; none when nothing of ours is left. `warn` hears what could not be looked for.

    The guard goes first, for it refuses the rest; then the labels, then the policy, which selects nothing by then. Of a
    pod that is gone what is ours is deleted; a successor of the same name is left alone. A controller that let go
    of the pod takes it back by itself, and where it then has one pod too many, deletes this one or another. Raises
    Refused where the pod's labels are not as irkit left them, unless `force`, which takes back our changes and leaves
    the others; NotFound for an unpinned name that neither a pod nor anything of ours knows.
    """
    hand = Hand(cluster, before, dry_run)
    guards = keep.guards(hand, pod, warn)
    known = frozenset(admission.owner(each) for _, each in guards)

    def attempt(hand: Hand) -> None:
        settled(lambda: _attempt(pod, known, hand, warn, force=force))

    if guards:
        if seen := _present(pod, cluster, known=True):
            _restoration(seen, force=force)
        admission.take_away(hand, guards, "the guard ends")
    if guards and dry_run:
        warn("what follows is not checked: the guard stands, and refuses even a dry run")
    else:
        keep.past_guard(hand, attempt, gone=bool(guards))
    return hand.changes


def _attempt(pod: PodRef, known: frozenset[str], hand: Hand, warn: Callable[[str], None], *, force: bool) -> None:
    """`known` are uids of which something was left."""
    policies = _policies(pod, hand.cluster)
    uids = {*known, *(str(marks.owner(policy)) for policy in policies), *_left(pod, hand)}
    if seen := _present(pod, hand.cluster, known=bool(uids)):
        _restore(seen, hand, force=force)
        uids.add(seen["metadata"]["uid"])
    keep.given_up(hand, pod, uids, warn)
    for uid in uids:
        probe.cleared(hand, pod.namespace, uid, pods.names(uid))
    taken_back(hand, pod, uids, warn)
    for policy in policies:
        with suppress(NotFound):
            hand.delete(NETWORK_POLICIES, policy, "the quarantine ends")


def _policies(pod: PodRef, cluster: Cluster) -> list[Json]:
    """The quarantining policies of the pod; of every pod that had the name when `pod` is not pinned."""
    listed = items(cluster.pages(NETWORK_POLICIES.path(pod.namespace), marks.OURS))
    return [policy for policy in listed if marks.concerns(policy, pod)]


def _left(pod: PodRef, hand: Hand) -> Iterator[str]:
    """The pods meant whose policy may be gone, by uid: the pinned one, or those that other objects of ours name."""
    if pod.uid:
        yield pod.uid
        return
    for made in (*keep.budgets(hand, pod), *denies(hand, pod)):
        yield str(marks.owner(made))


def _present(pod: PodRef, cluster: Cluster, *, known: bool) -> Json | None:
    """The pod; None when it is gone or replaced."""
    try:
        return check(pod, cluster).json()
    except PodReplaced:
        return None
    except NotFound:
        if known or pod.uid:
            return None
        raise


def _restore(seen: Json, hand: Hand, *, force: bool) -> None:
    """Take label and annotations off the pod, if it is one that irkit quarantined."""
    if restored := _restoration(seen, force=force):
        operations, detail = restored
        hand.patch(PODS, seen, operations, detail)


def _restoration(seen: Json, *, force: bool) -> tuple[list[Json], str] | None:
    """The patch that gives the pod back what it had, and in words; None where nothing is ours. Raises Refused."""
    metadata = seen["metadata"]
    labels, notes, uid = part(metadata, "labels"), part(metadata, "annotations"), metadata["uid"]
    if labels.get(marks.QUARANTINE) != uid and not {marks.ORIGINAL, asides.MEMORY} & notes.keys():
        return None
    original, placed = marks.original(notes), marks.placed(notes)
    if (original is None or labels not in (original, placed)) and not force:
        told = _told(labels, placed if original is not None else None)
        raise Refused(f"the labels of {metadata['name']} are not as irkit left them: {told}", ASK)
    restored = marks.restored(labels, notes, uid)
    operations = [
        *difference("/metadata/labels", labels, restored),
        *difference("/metadata/annotations", notes, asides.put_back(marks.forget(notes), keep.ASIDE)),
    ]
    return operations, changed(labels, restored)


ASK = "look at the pod; to take back our change and leave the others, release it with --yes"


def _told(labels: marks.Labels, expected: marks.Labels | None) -> str:
    if expected is None:
        return f"the annotation {marks.ORIGINAL} or {marks.PLACED} is missing or altered"
    keys = sorted(key for key in {*labels, *expected} if labels.get(key) != expected.get(key))
    return "; ".join(f"{key} is {labels.get(key, 'absent')}, not {expected.get(key, 'absent')}" for key in keys)
