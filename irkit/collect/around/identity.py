"""Identity: the pod's service account, the bindings that name it or its groups, and the roles they give it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
    Resource,
)
from irkit.cluster.subjects import Account, standing, told
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.model.permission import Permission
from irkit.model.pod import Target
from irkit.text import slug

ACCOUNT = SERVICE_ACCOUNTS.permission("get")


def _list(resource: Resource, about: str) -> Piece:
    permission = resource.permission("list", optional=not resource.namespaced)
    return Piece("identity", f"identity/{resource.plural}.json", about, permission)


BINDINGS = (
    (ROLE_BINDINGS, _list(ROLE_BINDINGS, "role bindings of the namespace")),
    (CLUSTER_ROLE_BINDINGS, _list(CLUSTER_ROLE_BINDINGS, "cluster role bindings")),
)
ROLE_KINDS = {each.kind: each for each in (ROLES, CLUSTER_ROLES)}
REACH = Piece("identity", "identity/reach.json", "what the service account may do")


@dataclass(frozen=True, slots=True)
class Grant:
    """One binding that gives the account a role."""

    binding: str  # "RoleBinding/web"
    via: str  # the subject that fits: "ServiceAccount web", "Group system:authenticated"
    kind: str  # of the role: "Role", "ClusterRole"
    name: str  # of the role

    @property
    def resource(self) -> Resource:
        """Where roles of this kind live."""
        return ROLE_KINDS[self.kind]

    @property
    def piece(self) -> Piece:
        """The role as evidence."""
        permission = self.resource.permission("get", optional=not self.resource.namespaced)
        path = f"identity/{self.kind.lower()}-{slug(self.name)}.json"
        return Piece("identity", path, f"{self.kind} {self.name}", permission)


@dataclass(frozen=True, slots=True)
class Identity:
    """The account, the raw lists of bindings, the roles that concern it, and identity/reach.json computed from them."""

    name: str = "identity"
    needs: tuple[Permission, ...] = (
        ACCOUNT,
        *(each.permission("list", optional=not each.namespaced) for each, _ in BINDINGS),
        *(each.permission("get", optional=not each.namespaced) for each in ROLE_KINDS.values()),
    )

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """The account by its name: nothing recreates a service account unseen."""
        namespace, account = target.namespace, target.service_account or "default"
        piece = Piece(self.name, "identity/serviceaccount.json", f"service account {account}", ACCOUNT)
        yield from into.document(piece, lambda: cluster.get(SERVICE_ACCOUNTS.path(namespace, account)))
        for resource, bindings in BINDINGS:
            yield from into.pages(bindings, partial(cluster.pages, resource.path(namespace)))
        grants = list(dict.fromkeys(_grants(into, namespace, account)))
        for role in {grant.piece.path: grant for grant in grants}.values():
            yield from into.document(role.piece, partial(cluster.get, role.resource.path(namespace, role.name)))
        yield from into.compute(REACH, lambda: _reach(grants, namespace, account, into))


def _grants(into: Folder, namespace: str, account: str) -> Iterator[Grant]:
    """The bindings taken that name the account, its user name or one of its groups."""
    for resource, bindings in BINDINGS:
        for each in into.items(bindings):
            fitting, role = next(standing(each, Account(namespace, account)), None), each.get("roleRef") or {}
            if fitting and role.get("kind") in ROLE_KINDS:
                name = each["metadata"]["name"]
                yield Grant(f"{resource.kind}/{name}", told(fitting[0]), role["kind"], role["name"])


def _reach(grants: list[Grant], namespace: str, account: str, into: Folder) -> Json:
    """`{serviceAccount, grants: [{binding, via, role, rules}], complete}`: rules None where the role is not there.

    `complete` is False when a list of bindings or a role is missing, so that there may be more.
    """
    rows = [
        {
            "binding": each.binding,
            "via": each.via,
            "role": f"{each.kind}/{each.name}",
            "rules": (into.json(each.piece) or {}).get("rules"),
        }
        for each in grants
    ]
    lists = all(into.json(piece) is not None for _, piece in BINDINGS)
    complete = lists and all(row["rules"] is not None for row in rows)
    return {"serviceAccount": f"{namespace}/{account}", "grants": rows, "complete": complete}
