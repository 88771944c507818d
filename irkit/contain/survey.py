"""Everything in a pod's namespace that finds pods by labels, read at once; and the plan that follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from irkit.cluster.engines import served
from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import (
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    SERVICES,
    STATEFUL_SETS,
    TIERS,
    Resource,
)
from irkit.contain.plan.claims import Claim, of_object, of_tiers
from irkit.contain.plan.owner import Owner, controller
from irkit.contain.plan.solve import Plan, solve, unchanged
from irkit.contain.verdict import Tiers
from irkit.contain.world.objects import NAME_LABEL
from irkit.errors import Forbidden, NotFound, Overloaded
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

OTHERS = (
    SERVICES,
    POD_DISRUPTION_BUDGETS,
    REPLICA_SETS,
    DEPLOYMENTS,
    DAEMON_SETS,
    STATEFUL_SETS,
    JOBS,
    REPLICATION_CONTROLLERS,
)
# Without the others the pod is isolated all the same; what they would have said is a warning.
NEEDS: tuple[Permission, ...] = (
    NETWORK_POLICIES.permission("list"),
    *(each.permission("list", optional=True) for each in (*OTHERS, *TIERS)),
    NAMESPACES.permission("get", optional=True),
)


@dataclass(frozen=True, slots=True)
class Survey:
    """`policies` are manifests, by name; `others` claims of other kinds; `unread` what could not be listed.

    `served` are the API's groups with their versions.
    """

    policies: dict[str, Json]
    others: tuple[Claim, ...] = ()
    unread: tuple[str, ...] = ()
    served: frozenset[str] = frozenset()
    tiers: Tiers = field(default_factory=Tiers)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Everything that might find the pod."""
        around = of_tiers(self.tiers.policies, self.tiers.space)
        return (*_claims(NETWORK_POLICIES, self.policies.values()), *around, *self.others)

    def again(self, cluster: Cluster, namespace: str) -> Survey:
        """The same with the policies as they are now."""
        tiers, _ = _tiers(cluster, namespace, self.served)
        return replace(self, policies=_policies(cluster, namespace), tiers=tiers)

    def warnings(self) -> tuple[str, ...]:
        """One line for what is not known."""
        left_out = ", ".join(self.unread)
        return (f"not read, so whether any of them finds the pod is not known: {left_out}",) if left_out else ()


def survey(cluster: Cluster, namespace: str) -> Survey:
    """Read it; raises ClusterError where the policies cannot be listed."""
    with ThreadPoolExecutor(len(OTHERS) + 2) as pool:
        policies = pool.submit(_policies, cluster, namespace)
        versions = pool.submit(_served, cluster)
        listed = list(pool.map(lambda each: _others(each, cluster, namespace), OTHERS))
        found = policies.result()
    unread = [each.plural for each, claims in zip(OTHERS, listed, strict=True) if claims is None]
    known = versions.result()
    unread += ["API groups"] if known is None else []
    tiers, hidden = _tiers(cluster, namespace, known or frozenset())
    others = tuple(claim for claims in listed for claim in claims or ())
    return Survey(found, others, (*unread, *hidden), known or frozenset(), tiers)


def labels_for(pod: PodRef, cluster: Cluster) -> dict[str, str]:
    """The labels that isolation would give the pod; raises NotFound."""
    return planned(check(pod, cluster).json(), survey(cluster, pod.namespace))[0].labels


def planned(pod: Json, found: Survey, *, keep_labels: bool = False) -> tuple[Plan, Owner | None]:
    """The labels for `pod` as it is, and its controller.

    Of a pod that is being deleted only policies count: everything else has given it up.
    """
    metadata = part(pod, "metadata")
    labels, uid = part(metadata, "labels"), str(metadata.get("uid"))
    owner = controller(pod, found.claims)
    claims = [claim for claim in found.claims if not (owner and owner.keeps and claim.uid == owner.uid)]
    if metadata.get("deletionTimestamp"):
        claims = [claim for claim in claims if claim.admits]
    if keep_labels:
        return unchanged(labels, uid, claims), owner
    return solve(labels, uid, claims, owner.fixed(labels) if owner else ()), owner


def _policies(cluster: Cluster, namespace: str) -> dict[str, Json]:
    listed = items(cluster.pages(NETWORK_POLICIES.path(namespace)))
    return {str(policy["metadata"]["name"]): policy for policy in listed}


def _served(cluster: Cluster) -> frozenset[str] | None:
    """None: we may not ask, or get no answer."""
    try:
        return served(cluster)
    except (Forbidden, Overloaded):
        return None


def _tiers(cluster: Cluster, namespace: str, versions: frozenset[str]) -> tuple[Tiers, tuple[str, ...]]:
    """The tiers that the cluster has, and what of them may not be read."""
    found, hidden = list[Json](), list[str]()
    for resource in (each for each in TIERS if each.api_version in versions):
        try:
            found += ({**item, "kind": resource.kind} for item in items(cluster.pages(resource.path())))
        except NotFound:
            continue  # a version that is served need not have the kind
        except (Forbidden, Overloaded):
            hidden.append(resource.plural)
    space: Json = {}
    try:
        space = part(part(cluster.get(NAMESPACES.path(name=namespace)).json(), "metadata"), "labels") if found else {}
    except (Forbidden, Overloaded):
        hidden.append(f"labels of namespace {namespace}")
    return Tiers(tuple(found), {**space, NAME_LABEL: namespace}), tuple(hidden)


def _others(resource: Resource, cluster: Cluster, namespace: str) -> tuple[Claim, ...] | None:
    """None: we may not, this API server does not serve them, or it fails at them: the pod is cut off all the same."""
    try:
        return _claims(resource, items(cluster.pages(resource.path(namespace))))
    except (Forbidden, NotFound, Overloaded):
        return None


def _claims(resource: Resource, listed: Iterable[Json]) -> tuple[Claim, ...]:
    """Items of a list do not repeat their kind."""
    return tuple(claim for known in listed for claim in of_object({**known, "kind": resource.kind}))
