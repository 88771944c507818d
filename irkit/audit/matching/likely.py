"""Tiers 3 to 5: created without a name, made with the pod's identity, or merely related."""

from __future__ import annotations

from irkit.audit.matching.quarry import Quarry, begins
from irkit.audit.matching.sure import text_at
from irkit.audit.read.event import CREDENTIAL, Event, body

ADDRESS = "came from the pod's address"  # begins the reason of what holds only as long as the pod has it
_READS = frozenset({"get", "list", "watch"})


def by_generated_name(pod: Quarry, event: Event) -> str:
    """A creation is logged before generateName becomes a name: prefix and second tell, where no answer is logged."""
    if not (pod.name and begins(event)) or event.ref.name or event.ref.namespace != pod.namespace:
        return ""
    if event.code != 201 or not pod.begun_at(event.written):
        return ""
    if body(event.responseObject):
        return ""  # the answer names the pod, and tier 1 would have known ours by its uid
    prefix = text_at(body(event.requestObject), ("metadata", "generateName"))
    if not prefix:
        return "a pod created without a name here in that second: at level Metadata no more is known"
    return f"created as {prefix}* in the second the pod was" if pod.name.startswith(prefix) else ""


def by_identity(pod: Quarry, event: Event) -> str:
    """Made with the pod's service account, or with a credential that the pod's identity had minted."""
    if not pod.lived(event.received):
        return ""
    if event.who.first(CREDENTIAL).removeprefix("JTI=") in pod.credentials:
        return "uses a token that the pod's own identity had minted"
    if not pod.service_account:
        return ""
    if event.who.username == pod.service_account and not event.bearer:
        return "made as the pod's service account, with a credential bound to no pod"
    if event.impersonatedUser and event.impersonatedUser.username == pod.service_account:
        return "impersonates the pod's service account"
    return ""


def by_relation(pod: Quarry, event: Event) -> str:
    """The owner changed, the pod's address, the kubelet's own API through the API server, a body that refers to it."""
    if not pod.lived(event.received):
        return ""
    tests = (_through_node, _from_address, _owner, _node, _referred)
    return next((reason for test in tests if (reason := test(pod, event))), "")


def _through_node(pod: Quarry, event: Event) -> str:
    if not pod.name or (event.ref.resource, event.ref.subresource) != ("nodes", "proxy"):
        return ""
    named = f"/{pod.namespace}/{pod.name}/" in event.requestURI.partition("?")[0] + "/"
    return "reaches the pod past the API server's own checks (nodes/proxy)" if named else ""


def _from_address(pod: Quarry, event: Event) -> str:
    """Only the last address is the API server's own observation; a node's traffic shares the address of its pods."""
    last = event.address
    if last not in pod.addresses or event.who.username.startswith("system:node:"):
        return ""
    return "" if event.bearer else f"{ADDRESS} {last}"


def _owner(pod: Quarry, event: Event) -> str:
    ref, (resource, name) = event.ref, pod.owner
    if not name or (ref.resource, ref.namespace, ref.name) != (resource, pod.namespace, name):
        return ""
    return "" if event.verb in _READS or ref.subresource == "status" else "changed the pod's owner"


def _node(pod: Quarry, event: Event) -> str:
    """What befell its node, and the token that its node had minted for it (at level Metadata no uid tells whose)."""
    ref = event.ref
    if not pod.node or event.verb in _READS:
        return ""
    if (ref.resource, ref.name) == ("nodes", pod.node):
        return "" if ref.subresource else "changed the pod's node"
    account = f"system:serviceaccount:{ref.namespace}:{ref.name}"
    minted = (ref.resource, ref.subresource) == ("serviceaccounts", "token") and account == pod.service_account
    return "its node had a token minted for its service account" if minted and event.who.username == pod.kubelet else ""


def _referred(pod: Quarry, event: Event) -> str:
    uid = pod.uid.encode()
    borne = uid and (uid in bytes(event.requestObject) or uid in bytes(event.responseObject))
    return "a body refers to the pod's uid" if borne else ""
