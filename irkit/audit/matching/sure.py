"""Tiers 1 and 2: the event bears the pod's uid, or names the pod while no other bore the name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import chain
from typing import Any

from irkit.audit.matching.quarry import Quarry, begins
from irkit.audit.read.event import POD_UID, Event, body

# Where a body bears a pod's uid, and what it then is.
_BODY: tuple[tuple[tuple[str, ...], str], ...] = (
    (("metadata", "uid"), ""),
    (("preconditions", "uid"), " (a deletion of exactly this pod)"),
    (("deleteOptions", "preconditions", "uid"), " (an eviction of exactly this pod)"),
    (("spec", "boundObjectRef", "uid"), " (a token bound to the pod)"),
    (("involvedObject", "uid"), " (a Kubernetes Event about the pod)"),
    (("regarding", "uid"), " (a Kubernetes Event about the pod)"),
)


def by_uid(pod: Quarry, event: Event) -> str:
    """Why the event bears the pod's uid; "" where it does not."""
    if not pod.uid:
        return ""
    uids = chain(_heads(event), _bodies_uids(event) if borne(pod, event) else ())
    return next((reason for uid, reason in uids if uid == pod.uid), "")


def borne(pod: Quarry, event: Event) -> bool:
    """False where no body can hold the pod's uid, which most then need not be parsed for; a client may escape it."""
    bodies = bytes(event.requestObject), bytes(event.responseObject)
    uid = pod.uid.encode()
    return any(uid in one or b"\\u" in one for one in bodies)


def _heads(event: Event) -> Iterator[tuple[str, str]]:
    yield event.ref.uid, "objectRef.uid is the pod's uid"
    yield event.bearer, "made with a credential bound to the pod"
    if event.impersonatedUser:
        yield event.impersonatedUser.first(POD_UID), "impersonates a credential bound to the pod"


def _bodies_uids(event: Event) -> Iterator[tuple[str, str]]:
    for where, found in _bodies(event):
        for path, meaning in _BODY:
            yield text_at(found, path), f"{where}.{'.'.join(path)} is the pod's uid{meaning}"


_LAST = threading.local()


def _bodies(event: Event) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The objects of request and response: an event that bears the uids of many pods is held against each of them."""
    if getattr(_LAST, "event", None) is not event:
        found = ("requestObject", body(event.requestObject)), ("responseObject", body(event.responseObject))
        _LAST.event, _LAST.bodies = event, found
    last: tuple[tuple[str, dict[str, Any]], ...] = _LAST.bodies
    return last


def by_name(pod: Quarry, event: Event) -> str:
    """Why the event names the pod and no other that bore the name; "" where it does not."""
    ref = event.ref
    if not pod.name or (ref.resource, ref.namespace, ref.name) != ("pods", pod.namespace, pod.name):
        return ""
    at = event.written if begins(event) else event.received
    if (pod.uid and another(pod, event)) or not pod.lived(at):
        return ""
    return "objectRef names the pod" + (", within its lifetime" if pod.created else "; its lifetime is not known")


def another(pod: Quarry, event: Event) -> bool:
    """True where the event bears the uid of a predecessor or successor of the same name."""
    (_, asked), (_, answered) = _bodies(event)
    borne = {event.ref.uid, *(text_at(asked, path) for path, _ in _BODY[1:3])}
    if answered.get("kind") == "Pod":
        borne.add(text_at(answered, ("metadata", "uid")))
    return bool(borne - {"", pod.uid})


def text_at(found: Any, path: tuple[str, ...]) -> str:  # noqa: ANN401 - JSON of any shape
    """The text at `path` of nested objects; "" where there is none."""
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
