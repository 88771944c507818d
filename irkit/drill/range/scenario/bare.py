"""What every cluster has before anything runs on it: namespaces, nodes, the roles of discovery and of oneself."""

from __future__ import annotations

from irkit.drill.range.answer import Json
from irkit.drill.range.scenario.cast import node, thing

RBAC = "rbac.authorization.k8s.io/v1"
_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_ANY = ["*"]
_REVIEWS = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"]
_PATHS = ("/api", "/apis", "/healthz", "/livez", "/openapi", "/readyz", "/version")


def objects(nodes: tuple[str, ...] = ("node-1",)) -> list[Json]:
    """An empty cluster of these nodes."""
    return [*(each for name in _NAMESPACES for each in namespace(name)), *map(node, nodes), *_roles()]


def namespace(name: str) -> list[Json]:
    """A namespace, with what its controllers put into it."""
    labels = {"kubernetes.io/metadata.name": name}
    spec, status = {"finalizers": ["kubernetes"]}, {"phase": "Active"}
    return [
        thing("Namespace", "v1", "", name, labels=labels, spec=spec, status=status),
        account(name, "default"),
        thing("ConfigMap", "v1", name, "kube-root-ca.crt", data={"ca.crt": "practice\n"}),
    ]


def account(inside: str, name: str) -> Json:
    """A service account."""
    return thing("ServiceAccount", "v1", inside, name)


def binding(inside: str, name: str, role_kind: str, role: str, subject: Json) -> Json:
    """A RoleBinding, or without a namespace a ClusterRoleBinding, of one subject."""
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role}
    kind = "RoleBinding" if inside else "ClusterRoleBinding"
    return thing(kind, RBAC, inside, name, roleRef=reference, subjects=[subject])


def subject(kind: str, name: str) -> Json:
    """A user or a group, as bindings name it."""
    return {"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name}


def _roles() -> list[Json]:
    everything = {"apiGroups": _ANY, "resources": _ANY, "verbs": _ANY}
    basic = {
        "apiGroups": ["authorization.k8s.io", "authentication.k8s.io"], "resources": _REVIEWS, "verbs": ["create"],
    }  # fmt: skip
    paths = [each for path in _PATHS for each in (path, f"{path}/*")]
    rules: dict[str, list[Json]] = {
        "cluster-admin": [everything, {"nonResourceURLs": _ANY, "verbs": _ANY}],
        "system:basic-user": [basic],
        "system:discovery": [{"nonResourceURLs": paths, "verbs": ["get"]}],
    }
    return [
        *(thing("ClusterRole", RBAC, "", name, rules=given) for name, given in rules.items()),
        *(
            binding("", name, "ClusterRole", name, subject("Group", "system:authenticated"))
            for name in ("system:basic-user", "system:discovery")
        ),
        binding("", "cluster-admin", "ClusterRole", "cluster-admin", subject("Group", "system:masters")),
    ]
