"""One probe: started, used again after a crash, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Json
from irkit.cluster.resources import PODS
from irkit.cluster.watch import awaited
from irkit.contain import marks
from irkit.contain.hand import Hand
from irkit.contain.proof.script import LIFE
from irkit.errors import AlreadyExists, NotFound, Refused
from irkit.model.permission import Permission

TO_REMOVE: tuple[Permission, ...] = (PODS.permission("delete", optional=True),)
READY = 30  # seconds that a probe may take to run: an image may have to be pulled


def start(hand: Hand, body: Json, does: str) -> Json:
    """The probe once it runs; one that a crash left running is used on. Raises Refused for one that does not run."""
    try:
        hand.create(PODS, body, f"a probe that {does}; it ends by itself after {LIFE} s")
    except AlreadyExists:
        if not _usable(_ours(hand, body)):
            remove(hand, body)
            _awaited(hand, body, lambda found: found is None)
            return start(hand, body, does)
    if hand.dry_run:
        return body
    found = _awaited(hand, body, lambda found: phase(found) not in ("", "Pending"))
    if found is None or phase(found) != "Running":
        raise Refused(f"the probe {body['metadata']['name']} does not run: {waiting(found or {})}")
    return found


def remove(hand: Hand, body: Json) -> None:
    """No such probe any more, or soon. Raises Refused for a pod that is none of ours."""
    try:
        found = _ours(hand, body)
        if "deletionTimestamp" not in found["metadata"]:
            hand.delete(PODS, found, "the probe has done its work", as_seen=False)
    except NotFound:
        return


def cleared(hand: Hand, namespace: str, uid: str, names: Iterable[str]) -> None:
    """No probe of the pod `uid` any more; what bears such a name and is none of ours is left alone."""
    for name in names:
        labels = {marks.PROBE: uid}
        with suppress(Refused):
            remove(hand, {"metadata": {"namespace": namespace, "name": name, "labels": labels}})


def phase(pod: Json | None) -> str:
    """Empty for a pod that is not there."""
    return str(part(pod or {}, "status").get("phase") or "")


def waiting(pod: Json, kind: str = "containerStatuses") -> str:
    """Why no container of the pod runs, in the kubelet's words."""
    status = part(pod, "status")
    states = [part(part(each, "state"), "waiting") for each in entries(status, kind)]
    said = [": ".join(filter(None, (each.get("reason"), each.get("message")))) for each in states if each]
    conditions = [str(each.get("message")) for each in entries(status, "conditions") if each.get("message")]
    return "; ".join([*said, *conditions]) or str(status.get("message") or phase(pod) or "it is gone")


def _awaited(hand: Hand, body: Json, fits: Callable[[Json | None], bool]) -> Json | None:
    metadata = body["metadata"]
    return awaited(hand.cluster, PODS, metadata["namespace"], metadata["name"], fits, READY)


def _usable(found: Json) -> bool:
    return phase(found) in ("Running", "Pending") and "deletionTimestamp" not in found["metadata"]


def _ours(hand: Hand, body: Json) -> Json:
    metadata = body["metadata"]
    found = hand.cluster.get(PODS.path(metadata["namespace"], metadata["name"])).json()
    if part(found["metadata"], "labels").get(marks.PROBE) != metadata["labels"][marks.PROBE]:
        raise Refused(
            f"the pod {metadata['namespace']}/{metadata['name']} is in the way: irkit did not make it",
            "look at it, and delete it if nobody needs it",
        )
    return found
