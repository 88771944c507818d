"""One deed after another: none of them says much alone."""

from __future__ import annotations

import re
from datetime import timedelta

from irkit.audit.detect.facts import is_account, is_node, outsider, succeeded
from irkit.audit.detect.rule import READS, WRITES, Chain, Rule
from irkit.audit.detect.rules.access import STREAMING
from irkit.audit.read.event import DECISION, POD_NAME, REASON, Event
from irkit.model.audit import Severity

_BINDINGS = {"clusterrolebindings": "ClusterRoleBinding", "rolebindings": "RoleBinding"}
_POWERS = ("secrets", "pods/exec", "pods/attach", "serviceaccounts/token", "nodes/proxy")
# How RBAC gives its reason (kubernetes plugin/pkg/auth/authorizer/rbac/rbac.go): a RoleBinding is "name/namespace".
_BY = re.compile(r'RBAC: allowed by ((?:Cluster)?RoleBinding "[^"]*")')


def _refused(event: Event) -> bool:
    """By authorization: admission answers 403 too, where a quota or a pod's spec is at fault, not a right."""
    return event.code == 403 and event.note(DECISION) != "allow"


def _tried(event: Event) -> str:
    if not (_refused(event) or succeeded(event)):
        return ""
    return f"{'refused' if _refused(event) else 'allowed'}: {event.verb} {event.ref}"


def _attempt(event: Event) -> str:
    """Who, and what exactly: a right may be for one name alone. What is created has another name each time."""
    ref = event.ref
    as_whom = event.impersonatedUser.username if event.impersonatedUser else ""
    name = "" if event.verb == "create" and not ref.subresource else ref.name
    kind = f"{ref.resource}/{ref.subresource}"
    return " ".join((event.who.username, as_whom, event.verb, kind, ref.namespace, name))


def _from_inside(event: Event) -> str:
    """The second deed is told by the name of the pod in its token: one without (a legacy token) is not seen."""
    if event.ref.subresource in ("exec", "attach"):
        entered = succeeded(event) and outsider(event.who.username)
        return f"{event.ref.subresource} into {event.ref.name}" if entered else ""
    if event.ref.resource == "secrets" and event.verb == "create":
        return ""
    return f"its own account: {event.verb} {event.ref}" if _pod_of(event) and succeeded(event) else ""


def _no_node(username: str) -> bool:
    return not is_node(username)


def _entered(event: Event) -> bool:
    return event.ref.subresource in ("exec", "attach")


def _pod_of(event: Event) -> str:
    """The pod whose token it was, as namespace/name; "" where the token is no pod's."""
    name, user = event.who.first(POD_NAME), event.who.username
    return f"{user.split(':')[2]}/{name}" if name and is_account(user) else ""


def _pod(event: Event) -> str:
    return f"{event.ref.namespace}/{event.ref.name}" if _entered(event) else _pod_of(event)


def _bound(event: Event) -> bool:
    return event.ref.resource in _BINDINGS


def _bound_or_used(event: Event) -> str:
    """The API server names the binding by which it allowed a request; other authorizers' grants are not followed."""
    if not succeeded(event):
        return ""
    if _bound(event):
        return f"{event.verb} of {event.ref} by {event.who.username}" if event.verb in WRITES else ""
    return f"by that right: {event.verb} {event.ref}" if _BY.match(event.note(REASON)) else ""


def _binding(event: Event) -> str:
    ref = event.ref
    if _bound(event):
        return f'{_BINDINGS[ref.resource]} "{ref.name}{ref.namespace and "/" + ref.namespace}"'
    used = _BY.match(event.note(REASON))
    return used[1] if used else ""


RULES = (
    Rule(
        "allowed-after-refusal",
        31,
        "What was refused to an identity was allowed to it within the hour",
        Severity.MEDIUM,
        ("T1098.006",),
        READS | WRITES,
        (*_POWERS, *_BINDINGS),
        _tried,
        "operators that start before their rights are there; an administrator who grants what was missing",
        by=outsider,
        chain=Chain(_refused, timedelta(hours=1)),
        subject=_attempt,
    ),
    Rule(
        "secrets-after-exec",
        32,
        "After somebody entered a pod, its own account read secrets or minted a token",
        Severity.HIGH,
        ("T1552.007", "T1528"),
        STREAMING | {"list"},
        ("pods/exec", "pods/attach", "secrets", "serviceaccounts/token"),
        _from_inside,
        "debugging of operators that read secrets all day",
        by=_no_node,
        chain=Chain(_entered, timedelta(minutes=30)),
        subject=_pod,
    ),
    Rule(
        "use-after-binding",
        33,
        "A binding was made or changed, and within the hour used for secrets, pods, tokens or nodes",
        Severity.MEDIUM,
        ("T1098.006",),
        WRITES | {"get", "list"},
        (*_BINDINGS, *_POWERS),
        _bound_or_used,
        "installation and upgrade of operators, which use their new rights at once",
        by=outsider,
        chain=Chain(_bound, timedelta(hours=1)),
        subject=_binding,
    ),
)
