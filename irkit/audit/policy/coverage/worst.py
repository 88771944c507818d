"""The event that a request would leave if it were the attack that a rule looks for, and what a policy leaves of it."""

from __future__ import annotations

from typing import Any

import msgspec

from irkit.audit.detect.bodies import WORKLOADS
from irkit.audit.detect.rule import WRITES, Gate, Rule
from irkit.audit.policy.nouns import Level, Request
from irkit.audit.policy.probes import ANYTHING, ANYWHERE
from irkit.audit.read.event import NULL, POD_NAME, POD_UID, REASON, Event, Ref, Status, User

_POD = {
    "serviceAccountName": "some-controller",
    "hostPID": True,
    "volumes": [{"name": "node", "hostPath": {"path": "/"}}],
    "containers": [{"name": "c", "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}}}],
}
_TEMPLATE = {"template": {"spec": _POD}}
_BINDING = {"roleRef": {"name": "cluster-admin"}, "subjects": [{"name": "system:masters"}]}
_ROLE = {"rules": [{"verbs": ["*"], "resources": ["*"]}]}
_BODIES: dict[str, dict[str, Any]] = {
    "pods": {"spec": _POD},
    **dict.fromkeys(WORKLOADS, {"spec": _TEMPLATE}),
    "cronjobs": {"spec": {"jobTemplate": {"spec": _TEMPLATE}}},
    "podtemplates": _TEMPLATE,
    **dict.fromkeys(("rolebindings", "clusterrolebindings"), _BINDING),
    **dict.fromkeys(("roles", "clusterroles"), _ROLE),
    "secrets": {"type": "kubernetes.io/service-account-token"},
    "services": {"spec": {"type": "NodePort"}},
    "persistentvolumes": {"spec": {"hostPath": {"path": "/"}}},
}
_MARKED = {"metadata": {"labels": {"irkit.dev/quarantine": None}}}
_RAW = {name: msgspec.Raw(msgspec.json.encode(_MARKED | body)) for name, body in _BODIES.items()}
_PLAIN = msgspec.Raw(msgspec.json.encode(_MARKED))
_ACCOUNT = "system:serviceaccount:"
_ADMIN = User("root", ["system:masters"])
_FORBIDDEN, _DONE = Status(403, "Failure"), Status(200)


def worst(resource: str) -> msgspec.Raw:
    """The body of the gravest request about a resource that the rules know."""
    return _RAW.get(resource, _PLAIN)


def attack(rule: Rule, request: Request, name: str) -> Event:
    """The attack of `rule`, logged whole; `name` is the object's, which a create bears in its body only."""
    extra = {POD_UID: ["uid"], POD_NAME: ["pod"]} if request.user.startswith(_ACCOUNT) else None
    ref = Ref(request.resource, request.namespace, name, "", request.api_group, request.subresource)
    return Event(
        verb=request.verb,
        level=Level.RESPONSE,
        requestURI=_uri(request, name),
        user=User(request.user, list(request.groups), extra),
        impersonatedUser=_ADMIN if rule.gate is Gate.IMPERSONATING else None,
        sourceIPs=["192.0.2.1"],
        objectRef=ref if request.resource else None,
        responseStatus=_FORBIDDEN if rule.gate is Gate.REFUSED else _DONE,
        requestObject=worst(request.resource) if request.verb in WRITES else NULL,  # deletions bear options only
        annotations={REASON: 'RBAC: allowed by ClusterRoleBinding "new" of ClusterRole "grave" to User "somebody"'},
    )


def _uri(request: Request, name: str) -> str:
    if not request.resource:
        return request.path
    behind = "/exec/ns/pod/c" if request.kind == "nodes/proxy" else ""
    return f"/api/v1/{request.resource}/{name}/{request.subresource}{behind}"


def at(level: Level, event: Event) -> Event:
    """What is left of an event at a level."""
    return event if level.rank >= Level.REQUEST.rank else msgspec.structs.replace(event, requestObject=NULL)


# Where a rule looks at one place only; every other rule looks anywhere.
_PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "secrets-listed": (("", ANYTHING),),
    "pod-in-system-namespace": (("kube-system", ANYTHING),),
    "controller-account-pod": (("kube-system", ANYTHING),),
    "cluster-dns-changed": (("kube-system", "coredns"),),
    "cloud-identity-map": (("kube-system", "aws-auth"),),
    "guard-removed": ((ANYWHERE, "irkit-q-1"), (ANYWHERE, ANYTHING)),
    "dangerous-role": ((ANYWHERE, "system:node"), (ANYWHERE, ANYTHING)),
}


def places(rule: Rule) -> tuple[tuple[str, str], ...]:
    """Namespace and name of the objects to ask about."""
    return _PLACES.get(rule.id, ((ANYWHERE, ANYTHING),))
