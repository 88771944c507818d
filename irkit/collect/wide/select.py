"""Which pods are meant, pinned by uid."""

from __future__ import annotations

from typing import Any

from irkit.cluster import resources
from irkit.cluster.objects import entries, items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import no_namespace, stands, target
from irkit.cluster.resources import PODS, Resource
from irkit.errors import Invalid, NotFound, UsageError
from irkit.model.permission import Permission
from irkit.model.pod import Scope
from irkit.text import safe

# As kubectl calls them.
WORKLOADS: dict[str, Resource] = {
    "deployment": resources.DEPLOYMENTS,
    "deploy": resources.DEPLOYMENTS,
    "statefulset": resources.STATEFUL_SETS,
    "sts": resources.STATEFUL_SETS,
    "daemonset": resources.DAEMON_SETS,
    "ds": resources.DAEMON_SETS,
    "replicaset": resources.REPLICA_SETS,
    "rs": resources.REPLICA_SETS,
    "replicationcontroller": resources.REPLICATION_CONTROLLERS,
    "rc": resources.REPLICATION_CONTROLLERS,
    "job": resources.JOBS,
    "service": resources.SERVICES,
    "svc": resources.SERVICES,
}
NEEDS: tuple[Permission, ...] = (
    PODS.permission("list"),
    *sorted({each.permission("get", optional=True) for each in WORKLOADS.values()}),
)
_OPERATORS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


def is_workload(name: str) -> bool:
    """Whether `name` is of the form deployment/web."""
    return name.partition("/")[0].lower() in WORKLOADS and "/" in name


def scope(namespace: str, workload: str, selector: str, cluster: Cluster) -> Scope:
    """The pods of `workload` ("deployment/web"), or those that `selector` fits, or with neither all of the namespace.

    Raises NotFound where there is none, UsageError for a workload without a selector.
    """
    what = workload or (f"pods with {selector}" if selector else "every pod")
    if workload:
        selector = _selector(namespace, workload, cluster)
    query = {"labelSelector": selector} if selector else {}
    try:
        pods = tuple(target(each) for each in items(cluster.pages(PODS.path(namespace), query)))
    except Invalid as error:
        raise UsageError(error.message, "labels as kubectl -l takes them: 'app=web,tier in (front, back)'") from error
    if not pods:
        if stands(namespace, cluster) is False:
            raise no_namespace(namespace)
        hint = f"see what there is: kubectl get pods -n {namespace} --show-labels"
        raise NotFound(f"{safe(what)} in namespace {namespace}: there is no such pod", hint)
    return Scope(namespace, what, pods)


def _selector(namespace: str, workload: str, cluster: Cluster) -> str:
    kind, _, name = workload.partition("/")
    resource = WORKLOADS.get(kind.lower())
    if resource is None or not name:
        raise UsageError(f"not a workload: {safe(workload)!r}", f"KIND/NAME, a kind of {', '.join(WORKLOADS)}")
    try:
        spec = part(cluster.get(resource.path(namespace, name)).json(), "spec")
    except NotFound as error:
        raise NotFound(error.message, f"see what there is: kubectl get {resource.plural} -n {namespace}") from error
    selector = written(spec.get("selector"))
    if not selector:  # an empty one would mean every pod, and a service without one has no pods
        raise UsageError(f"{safe(workload)} selects no pods by labels", "name them with --selector")
    return selector


def written(selector: Any) -> str:  # noqa: ANN401 - hostile JSON
    """A selector of an object (a map, or matchLabels and matchExpressions) as the API's query takes it."""
    if not isinstance(selector, dict):
        return ""
    nested = "matchLabels" in selector or "matchExpressions" in selector
    labels: Json = part(selector, "matchLabels") if nested else selector
    expressions = entries(selector, "matchExpressions") if nested else []
    terms = [f"{key}={value}" for key, value in labels.items()]
    for each in expressions:
        values = ",".join(map(str, each.get("values") or ()))
        terms.append(_OPERATORS[str(each.get("operator"))].format(key=each.get("key"), values=values))
    return ",".join(terms)
