"""The bindings that concern an account and the roles they give it, read live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from irkit.cluster.objects import entries, items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from irkit.cluster.subjects import Account, standing, told
from irkit.contain.identity.nouns import Grant
from irkit.errors import Forbidden, NotFound
from irkit.model.permission import Permission

NEEDS: tuple[Permission, ...] = (
    ROLE_BINDINGS.permission("list"),
    CLUSTER_ROLE_BINDINGS.permission("list", optional=True),
    ROLES.permission("get", optional=True),
    CLUSTER_ROLES.permission("get", optional=True),
)
ROLE_KINDS = {each.kind: each for each in (ROLES, CLUSTER_ROLES)}


@dataclass(slots=True)
class Bindings:
    """Every binding that may be read, with its resource; `gaps` says which could not be."""

    found: list[tuple[Resource, Json]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def bindings(cluster: Cluster, namespace: str) -> Bindings:
    """The bindings of the whole cluster; where that is not allowed, the role bindings of `namespace`."""
    read = Bindings()
    try:
        _list(read, cluster, ROLE_BINDINGS, None)
    except Forbidden:
        read.gaps.append(f"role bindings outside {namespace}: we may not list them")
        _list(read, cluster, ROLE_BINDINGS, namespace)
    try:
        _list(read, cluster, CLUSTER_ROLE_BINDINGS, None)
    except Forbidden:
        read.gaps.append("cluster role bindings: we may not list them")
    return read


def _list(read: Bindings, cluster: Cluster, resource: Resource, namespace: str | None) -> None:
    read.found += [(resource, each) for each in items(cluster.pages(resource.path(namespace)))]


def grants(read: Bindings, cluster: Cluster, account: Account) -> tuple[Grant, ...]:
    """What `read` gives `account`, each role read once; roles that may not be read are gaps of `read`."""
    roles: dict[tuple[str, str, str], tuple[Json, ...] | None] = {}
    found = []
    for resource, binding in read.found:
        namespace, role = str(part(binding, "metadata").get("namespace") or ""), part(binding, "roleRef")
        kind, name = str(role.get("kind")), str(role.get("name"))
        for subject, how in standing(binding, account):
            key = (kind, namespace if kind == ROLES.kind else "", name)
            if key not in roles:
                roles[key] = _rules(read, cluster, *key)
            told_as = f"{resource.kind}/{binding['metadata']['name']}"
            found.append(Grant(told_as, namespace, told(subject), how, f"{kind}/{name}", roles[key], how.alone))
    return tuple(found)


def _rules(read: Bindings, cluster: Cluster, kind: str, namespace: str, name: str) -> tuple[Json, ...] | None:
    """The rules of a role; None where there is no such role (it grants nothing), or it may not be read (a gap)."""
    if kind not in ROLE_KINDS:
        return None
    try:
        return tuple(entries(cluster.get(ROLE_KINDS[kind].path(namespace, name)).json(), "rules"))
    except NotFound:
        return None
    except Forbidden:
        read.gaps.append(f"{kind} {name}: we may not read what it allows")
        return None


def allowing(rule: Json, group: str, resource: str) -> frozenset[str]:
    """The verbs that `rule` allows on `resource` ("secrets", "serviceaccounts/token") of API group `group`."""
    groups, resources = _words(rule, "apiGroups"), _words(rule, "resources")
    # "*/token" is any resource's token; "secrets/*" is no rule of RBAC (k8s.io/api/rbac/v1).
    wide = {"*", resource, *(["*/" + resource.partition("/")[2]] if "/" in resource else [])}
    return _words(rule, "verbs") if groups & {"*", group} and resources & wide else frozenset()


def names(rule: Json) -> tuple[str, ...]:
    """The objects that `rule` is for by name; ("*",) for all."""
    return tuple(sorted(_words(rule, "resourceNames"))) or ("*",)


def _words(rule: Json, key: str) -> frozenset[str]:
    listed = rule.get(key)
    return frozenset(word for word in listed if isinstance(word, str)) if isinstance(listed, list) else frozenset()


def rules(grants: tuple[Grant, ...]) -> Iterator[tuple[Grant, Json]]:
    """Every rule with the grant it comes by."""
    for grant in grants:
        for rule in grant.rules or ():
            yield grant, rule
