"""Owners: who made the pod, who made that, and so on upward. An attacker's workload is often found here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Cluster, Json, Reply
from irkit.cluster.resources import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)
from irkit.collect import gaps
from irkit.collect.changes import changes
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.manifest import staged_or_live
from irkit.errors import IrkitError, NotFound, PodReplaced
from irkit.model.permission import Permission
from irkit.model.pod import Target
from irkit.text import slug

FOLLOWED = (
    REPLICA_SETS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    DAEMON_SETS,
    REPLICATION_CONTROLLERS,
    JOBS,
    CRON_JOBS,
    NODES,  # of a static pod
)
CHANGES = Piece("owners", "owners/changes.json", "who last set which field of the owners")
DEPTH = 10  # of a chain that a hostile object may have closed to a ring; real ones have two links


@dataclass(frozen=True, slots=True)
class Owner:
    """A controller as the object below it names it."""

    group: str | None  # None: only kind and name are known
    kind: str
    name: str
    uid: str | None  # None: not known

    @property
    def resource(self) -> Resource | None:
        """Where to ask for it; None for kinds that irkit does not follow."""
        fits = (each for each in FOLLOWED if each.kind == self.kind and self.group in (None, each.group))
        return next(fits, None)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Owners:
    """owners/<kind>-<name>.json for each controller from the pod upward, owners/changes.json computed from them."""

    name: str = "owners"
    needs: tuple[Permission, ...] = tuple(each.permission("get", optional=not each.namespaced) for each in FOLLOWED)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """The chain as far as it can be followed; the link that is missing is a gap."""
        owner, chain = _first(target, cluster, into), list[Json]()
        while owner and len(chain) < DEPTH:
            piece = _piece(owner)
            yield from _take(piece, owner, target, cluster, into)
            found = into.json(piece) or {}
            owner = controller(found)
            chain.append(found)
        if owner:
            error = IrkitError(f"the chain of owners has more than {DEPTH} links")
            yield gaps.gap(Piece(self.name, "", f"owner {owner} and what stands above it"), error)
        if chain:
            yield from into.compute(CHANGES, lambda: changes(chain))


def controller(child: Json) -> Owner | None:
    """The controller that an object names; None where it has none."""
    for each in (child.get("metadata") or {}).get("ownerReferences") or ():
        if each.get("controller") is True:
            group = each["apiVersion"].rpartition("/")[0]
            return Owner(group, each["kind"], each["name"], each["uid"])
    return None


def _first(target: Target, cluster: Cluster, into: Folder) -> Owner | None:
    """The pod's controller; of a pod that is gone, or was taken out of its workload since, what the run knew."""
    try:
        return controller(staged_or_live(target, cluster, into)) or _known(target)
    except (NotFound, PodReplaced):
        return _known(target)


def _known(target: Target) -> Owner | None:
    """The owner of the pod when the run pinned it."""
    kind, _, name = target.owner.partition("/")
    return Owner(None, kind, name, None) if name else None


def _piece(owner: Owner) -> Piece:
    permission = owner.resource.permission("get") if owner.resource else None
    path = f"owners/{slug(owner.kind.lower())}-{slug(owner.name)}.json"
    return Piece("owners", path, f"owner {owner}" if owner.uid else f"owner {owner} (known by name only)", permission)


def _take(piece: Piece, owner: Owner, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
    resource = owner.resource
    if resource is None:
        kind = f"{owner.kind}.{owner.group}" if owner.group else owner.kind
        yield gaps.gap(piece, IrkitError(f"irkit does not follow owners of kind {kind}", f"kubectl get {kind} -o yaml"))
        return
    path = resource.path(target.namespace, owner.name)
    yield from into.document(piece, lambda: _same(owner, cluster.get(path)))


def _same(owner: Owner, reply: Reply) -> Reply:
    """`reply` if it holds the owner; raises PodReplaced for a successor of the same name."""
    uid = (reply.json().get("metadata") or {}).get("uid")
    if owner.uid not in (None, uid):
        raise PodReplaced(f"{owner} is another object by now: its uid is {uid}, the pod was owned by {owner.uid}")
    return reply
