"""May they: roles and bindings, evaluated as the API server does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.drill.range.access.users import User
from irkit.drill.range.answer import ApiFailure, Json
from irkit.drill.range.kinds.table import named
from irkit.drill.range.request import Ask
from irkit.drill.range.state.store import Store

_RBAC = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Wish:
    """One thing that a user wants to do; `resource` carries its subresource ("pods/log")."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""  # "" unless no resource is meant

    @classmethod
    def of(cls, ask: Ask) -> Wish:
        """What a request wants."""
        if not ask.resource:
            return cls(ask.verb, path=ask.path)
        resource = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
        return cls(ask.verb, ask.group, resource, ask.namespace, ask.name)


def allowed(store: Store, user: User, wish: Wish) -> str | None:
    """Why `user` may do so, in the API server's words; None when they may not."""
    if "system:masters" in user.groups:
        return ""
    for why, rules in _granted(store, user, wish.namespace):
        if any(_covers(rule, wish) for rule in rules):
            return why
    return None


def check(store: Store, user: User, ask: Ask) -> str:
    """The reason a request is allowed for; raises 403 with the API server's sentence when it is not."""
    wish = Wish.of(ask)
    why = allowed(store, user, wish)
    if why is not None:
        return why
    if wish.path:
        raise ApiFailure(403, "Forbidden", f'forbidden: User "{user.name}" cannot {wish.verb} path "{wish.path}"', {})
    raise forbidden(user, wish)


def forbidden(user: User, wish: Wish) -> ApiFailure:
    """403 for a resource."""
    plural = wish.resource.partition("/")[0]
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    qualified = f"{plural}.{wish.group}" if wish.group else plural
    about = {key: value for key, value in (("name", wish.name), ("group", wish.group), ("kind", plural)) if value}
    return ApiFailure(
        403,
        "Forbidden",
        f"{qualified}{f' {chr(34)}{wish.name}{chr(34)}' if wish.name else ''} is forbidden: "
        f'User "{user.name}" cannot {wish.verb} resource "{wish.resource}" in API group "{wish.group}" {where}',
        about,
    )


def rules_for(store: Store, user: User, namespace: str) -> list[Json]:
    """Every rule that `user` has in `namespace`, for SelfSubjectRulesReview."""
    everything: Json = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    master = [everything] if "system:masters" in user.groups else []
    return master + [rule for _, rules in _granted(store, user, namespace) for rule in rules]


def _granted(store: Store, user: User, namespace: str) -> Iterator[tuple[str, list[Json]]]:
    for kind, where in (("ClusterRoleBinding", ""), ("RoleBinding", namespace)):
        bindings = store.all(named(_RBAC, kind), where) if where or kind == "ClusterRoleBinding" else []
        for binding in bindings:
            if subject := next((s for s in binding.get("subjects") or [] if _is(s, user, where)), None):
                role = binding["roleRef"]
                scope = where if role["kind"] == "Role" else ""
                obj = store.get(named(_RBAC, role["kind"]), scope, role["name"])
                name = f"{where}/{binding['metadata']['name']}" if where else binding["metadata"]["name"]
                yield (
                    f'RBAC: allowed by {kind} "{name}" of {role["kind"]} "{role["name"]}" to {_subject(subject)}',
                    (obj or {}).get("rules") or [],
                )


def _subject(subject: Json) -> str:
    name = subject["name"]
    if subject["kind"] == "ServiceAccount":
        name = f"{name}/{subject.get('namespace', '')}"
    return f'{subject["kind"]} "{name}"'


def _is(subject: Json, user: User, namespace: str) -> bool:
    name = subject["name"]
    if subject["kind"] == "Group":
        return name in user.groups
    if subject["kind"] == "ServiceAccount":
        name = f"system:serviceaccount:{subject.get('namespace', namespace)}:{name}"
    return bool(user.name == name)


def _covers(rule: Json, wish: Wish) -> bool:
    if not _in(wish.verb, rule["verbs"]):
        return False
    if wish.path:
        paths = rule.get("nonResourceURLs") or []
        return any(wish.path == path or (path[-1:] == "*" and wish.path.startswith(path[:-1])) for path in paths)
    names = rule.get("resourceNames") or []
    subresource = wish.resource.partition("/")[2]
    resources = rule.get("resources") or []
    return (
        _in(wish.group, rule.get("apiGroups") or [])
        and (_in(wish.resource, resources) or (bool(subresource) and f"*/{subresource}" in resources))
        and (not names or wish.name in names)
    )


def _in(value: str, listed: list[str]) -> bool:
    return value in listed or "*" in listed
