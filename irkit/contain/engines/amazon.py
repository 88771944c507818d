"""The Amazon VPC CNI keeps one set of rules for all pods of a node that are called alike up to their last "-".

So what admits traffic to one of them admits it to all, and what denies one denies them (aws-network-policy-agent,
pkg/utils: the identifier; measured by nobody here).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from irkit.cluster.objects import entries, items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import AWS_NETWORK_POLICIES, PODS
from irkit.contain.survey import Survey
from irkit.contain.verdict import residuals
from irkit.errors import Forbidden
from irkit.model.isolation import Residual

_SHOWN = 5


def siblings(pod: Json, found: Survey, cluster: Cluster) -> list[Json] | None:
    """The other pods under the pod's identifier; none where this engine is not there. None: they may not be read."""
    if AWS_NETWORK_POLICIES.api_version not in found.served:
        return []
    metadata = pod["metadata"]
    try:
        listed = list(items(cluster.pages(PODS.path(metadata["namespace"]))))
    except Forbidden:
        return None
    alike = (one for one in listed if identifier(_name(one)) == identifier(metadata["name"]))
    return [one for one in alike if one["metadata"].get("uid") != metadata["uid"]]


def identifier(name: str) -> str:
    """What the engine knows a pod by."""
    return name.rpartition("-")[0] or name


def shared(alike: Iterable[Json], found: Survey, ours: str) -> Iterator[Residual]:
    """What admits traffic to a sibling, and so to the pod."""
    others = [policy for name, policy in found.policies.items() if name != ours]
    for one in alike:
        for left in residuals(part(part(one, "metadata"), "labels"), others, "", found.tiers):
            if left.policy:
                why = f"the Amazon VPC CNI applies to the pod what is meant for {_name(one)}: {left.why}"
                yield Residual(left.policy, left.direction, why)


def warnings(pod: Json, alike: list[Json] | None) -> Iterator[str]:
    """What a responder has to know about this engine."""
    if alike is None:
        yield "pods could not be listed: which of them share the pod's rules under the Amazon VPC CNI is not known"
    elif alike:
        names = ", ".join(_name(one) for one in alike[:_SHOWN])
        more = f" and {len(alike) - _SHOWN} more" if len(alike) > _SHOWN else ""
        yield f"the Amazon VPC CNI shares rules among this pod and {names}{more} on one node: they are hit too"
    if not entries(pod["metadata"], "ownerReferences"):
        yield "the Amazon VPC CNI applies no policy to a pod without an owner: use --keep-labels, or a security group"


def _name(one: Json) -> str:
    return str(part(one, "metadata").get("name"))
