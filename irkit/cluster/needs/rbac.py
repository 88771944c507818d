"""The least that must be allowed: as a manifest, and compared with what is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import SELF_SUBJECT_ACCESS_REVIEWS
from irkit.model.permission import Permission

REVIEWS_AT_ONCE = 8


def cluster_role(needs: Iterable[Permission], name: str, *, optional: bool = True) -> Json:
    """The ClusterRole that grants `needs` and no more; without `optional`, only what runs cannot do without.

    The same needs in any order give the same manifest: resources of one group that take the same verbs share a rule.
    """
    verbs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for need in needs:
        if optional or not need.optional:
            verbs[need.group, need.resource].add(need.verb)
    rules: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), allowed in sorted(verbs.items()):
        rules[group, tuple(sorted(allowed))].append(resource)
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "irkit"}},
        "rules": [
            {"apiGroups": [group], "resources": resources, "verbs": list(allowed)}
            for (group, allowed), resources in sorted(rules.items(), key=lambda rule: (rule[0][0], rule[1]))
        ],
    }


def folded(needs: Iterable[Permission]) -> tuple[Permission, ...]:
    """Each need once, in order; needed by one and only useful to another is needed."""
    wanted = set(needs)
    required = {replace(need, optional=False) for need in wanted if not need.optional}
    useful = {need for need in wanted if need.optional and replace(need, optional=False) not in required}
    return tuple(sorted(required | useful))


def allowed(need: Permission, cluster: Cluster, namespace: str) -> bool:
    """What the API server answers to "may I?" (SelfSubjectAccessReview)."""
    resource, _, subresource = need.resource.partition("/")
    asked = {"group": need.group, "resource": resource, "subresource": subresource, "verb": need.verb}
    if need.scope == "namespace":
        asked["namespace"] = namespace
    body: Json = {
        "apiVersion": SELF_SUBJECT_ACCESS_REVIEWS.api_version,
        "kind": SELF_SUBJECT_ACCESS_REVIEWS.kind,
        "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
    }
    reply = cluster.create(SELF_SUBJECT_ACCESS_REVIEWS.path(), body)
    return part(reply.json(), "status").get("allowed") is True


def missing(needs: Iterable[Permission], cluster: Cluster, namespace: str) -> tuple[Permission, ...]:
    """Those of `needs` that we do not have, in order. Raises ClusterError where the API server does not answer."""
    wanted = folded(needs)
    with ThreadPoolExecutor(REVIEWS_AT_ONCE) as pool:
        answers = list(pool.map(lambda need: allowed(need, cluster, namespace), wanted))
    return tuple(need for need, yes in zip(wanted, answers, strict=True) if not yes)
