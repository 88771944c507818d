"""Attacks and innocents for the rules that need more than one event."""

from __future__ import annotations

from tests.audit.logs import Event, event

WEB = "system:serviceaccount:payments:web"
POD_NAME = "authentication.kubernetes.io/pod-name"
REASON = "authorization.k8s.io/reason"
DECISION = "authorization.k8s.io/decision"


def tried(seconds: float, code: int, name: str = "db", **more: object) -> Event:
    return event("get", "secrets", name, user="eve", seconds=seconds, code=code, **more)  # type: ignore[arg-type]


def entered(seconds: float, pod: str = "web-1") -> Event:
    return event("get", name=pod, sub="exec", code=101, seconds=seconds)


def inside(seconds: float, verb: str = "get", pod: str = "web-1", sub: str = "", user: str = WEB) -> Event:
    resource = "serviceaccounts" if sub else "secrets"
    return event(verb, resource, "x", sub=sub, seconds=seconds, user=user, extra={POD_NAME: [pod]})


def bound(seconds: float, name: str = "b", kind: str = "clusterrolebindings", **more: object) -> Event:
    namespace = "" if kind.startswith("cluster") else "payments"
    return event("create", kind, name, namespace, seconds=seconds, code=201, **more)  # type: ignore[arg-type]


def used(seconds: float, binding: str = 'ClusterRoleBinding "b"', resource: str = "secrets", sub: str = "") -> Event:
    notes = {DECISION: "allow", REASON: f'RBAC: allowed by {binding} of ClusterRole "admin" to User "eve"'}
    return event("get", resource, "db", seconds=seconds, user="eve", sub=sub, annotations=notes)


ATTACKS: dict[str, list[list[Event]]] = {
    "audit-id-reused": [
        [event(audit_id="chosen"), event("delete", audit_id="chosen", user="mallory")],
        [event(audit_id='chosen "x', seconds=1), event(audit_id='chosen "x', seconds=2)],
    ],
    "allowed-after-refusal": [
        [tried(1, 403), tried(60, 200)],
        [tried(1, 403), tried(3600, 200)],  # in two spans
        [tried(60, 200), tried(1, 403)],  # another server's log comes later
        [
            event("create", "rolebindings", name, seconds=at, code=code)
            for name, at, code in (("a", 1, 403), ("b", 2, 201))
        ],
    ],
    "secrets-after-exec": [
        [entered(1), inside(30)],
        [entered(1), inside(1799, "create", sub="token")],
        [entered(1), inside(2, "list")],
        [event("create", sub="attach", seconds=1), inside(5)],
    ],
    "use-after-binding": [
        [bound(1), used(2)],
        [bound(1, kind="rolebindings"), used(3500, 'RoleBinding "b/payments"', "pods", "exec")],
        [event("patch", "clusterrolebindings", "b", "", seconds=1), used(9, resource="nodes", sub="proxy")],
    ],
}

INNOCENT: dict[str, list[list[Event]]] = {
    "audit-id-reused": [
        [event(audit_id="same"), event(audit_id="same")],  # a rotation, copied
        [event(audit_id="same") | {"stage": "ResponseStarted"}, event(audit_id="same", seconds=20)],
        [event() | {"auditID": ""}, event("delete") | {"auditID": ""}],
    ],
    "allowed-after-refusal": [
        [tried(1, 200), tried(60, 403)],
        [tried(1, 403), tried(3602, 200)],
        [tried(1, 403), tried(60, 200, "another")],
        [tried(1, 403), tried(60, 200) | {"user": {"username": "bob"}}],
        [tried(1, 403), tried(60, 404)],
        [tried(1, 403, annotations={DECISION: "allow"}), tried(60, 200)],  # admission said no
        [
            tried(1, 403) | {"user": {"username": "system:node:n"}},
            tried(60, 200) | {"user": {"username": "system:node:n"}},
        ],
    ],
    "secrets-after-exec": [
        [inside(1), entered(30)],
        [entered(1), inside(1802)],
        [entered(1), inside(30, pod="web-2")],
        [entered(1), inside(30, user="system:serviceaccount:shop:web")],
        [entered(1), inside(30, user="alice")],
        [entered(1), inside(30, "create")],
        [entered(1) | {"responseStatus": {"code": 403}}, inside(30)],
    ],
    "use-after-binding": [
        [used(1), bound(2)],
        [bound(1), used(3602)],
        [bound(1, "another"), used(2)],
        [bound(1, kind="rolebindings"), used(2)],
        [bound(1), used(2) | {"annotations": {DECISION: "allow", REASON: ""}}],
        [bound(1) | {"responseStatus": {"code": 403}}, used(2)],
        [event("get", "clusterrolebindings", "b", "", seconds=1), used(2)],
    ],
}
