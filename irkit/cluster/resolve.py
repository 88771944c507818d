"""From a name to the one pod that bears it now, pinned by uid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Cluster, Json, Reply
from irkit.cluster.resources import NAMESPACES, PODS
from irkit.errors import ClusterError, Forbidden, NotFound, PodReplaced
from irkit.model.pod import PodRef, Target
from irkit.text import safe
from irkit.times import parse

CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def resolve(pod: PodRef, cluster: Cluster) -> tuple[Target, Reply]:
    """The pod as it is now, and the answer that says so.

    Raises PodReplaced when `pod` is pinned and the name belongs to another by now; NotFound when there is none, saying
    whether it is the namespace that is missing.
    """
    reply = check(pod, cluster)
    return target(reply.json()), reply


def check(pod: PodRef, cluster: Cluster) -> Reply:
    """The answer to GET, certain to show the pinned pod; raises as `resolve` does. An unpinned `pod` is never wrong."""
    try:
        reply = cluster.get(PODS.path(pod.namespace, pod.name))
    except NotFound as error:
        raise _absent(pod, cluster, error) from error
    uid = part(reply.json(), "metadata").get("uid")
    if not isinstance(uid, str) or not uid:
        raise ClusterError(f"the API server shows pod {pod} without a uid", "is this an API server?")
    if pod.uid is not None and uid != pod.uid:
        raise PodReplaced(
            f"pod {pod} is gone: its name now belongs to another pod (uid {uid}, not {pod.uid})",
            "what was taken before stands; start again without a uid to examine the successor",
        )
    return reply


def stands(namespace: str, cluster: Cluster) -> bool | None:
    """Whether there is such a namespace; None where we may not look it up."""
    try:
        cluster.get(NAMESPACES.path(name=namespace))
    except NotFound:
        return False
    except Forbidden:
        return None
    return True


def no_namespace(namespace: str) -> NotFound:
    """The error for a name that no namespace bears."""
    hint = "check -n/--namespace and the context"
    return NotFound(f"there is no namespace {namespace}", hint, status=404, reason="NotFound")


def target(pod: Json) -> Target:
    """The noun that stands for the pod `pod`, a JSON object as the API server gives it."""
    metadata, spec, status = part(pod, "metadata"), part(pod, "spec"), part(pod, "status")
    return Target(
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
        uid=str(metadata.get("uid") or ""),
        node=str(spec.get("nodeName") or ""),
        phase=str(status.get("phase") or ""),
        pod_ips=tuple(_ips(status)),
        owner=_owner(metadata),
        service_account=str(spec.get("serviceAccountName") or ""),
        images=dict(_images(spec, status)),
        created=_instant(metadata.get("creationTimestamp")),
        deleted=_instant(metadata.get("deletionTimestamp")),
    )


def _absent(pod: PodRef, cluster: Cluster, error: NotFound) -> NotFound:
    """Which of the two is missing, as far as we may see."""
    standing = stands(pod.namespace, cluster)
    if standing is False:
        return no_namespace(pod.namespace)
    hint = f"see what there is: kubectl get pods -n {pod.namespace}"
    if standing is None:
        hint = f"check the name, and the namespace, which we may not look up: {pod.namespace}"
    elif like := () if pod.uid else _like(pod, cluster):
        hint = f"names like it: {', '.join(like)}; all: kubectl get pods -n {pod.namespace}"
    return NotFound(f"there is no pod {pod}", hint, status=404, reason=error.reason)


def _like(pod: PodRef, cluster: Cluster) -> list[str]:
    """Names of pods that somebody who typed this one may mean: a workload's, a successor's; none if we may not list."""
    try:
        first = next(cluster.pages(PODS.path(pod.namespace)))
    except ClusterError:
        return []
    names = [str(part(each, "metadata").get("name") or "") for each in entries(first.json(), "items")]
    of_workload = [name for name in names if name.startswith(f"{pod.name}-")]
    return [safe(name) for name in of_workload[:3] or get_close_matches(pod.name, names)]


def _ips(status: Json) -> Iterator[str]:
    listed = [entry.get("ip") for entry in entries(status, "podIPs")] or [status.get("podIP")]
    return (ip for ip in listed if isinstance(ip, str) and ip)


def _owner(metadata: Json) -> str:
    """The controller, else the first owner."""
    owners = entries(metadata, "ownerReferences")
    first = next((owner for owner in owners if owner.get("controller")), owners[0] if owners else None)
    return f"{first.get('kind')}/{first.get('name')}" if first else ""


def _images(spec: Json, status: Json) -> Iterator[tuple[str, str]]:
    """Container to image id; to the image asked for where none runs yet."""
    for kind in CONTAINERS:
        for container in entries(spec, kind):
            yield str(container.get("name")), str(container.get("image") or "")
    for kind in CONTAINERS:
        for running in entries(status, f"{kind.removesuffix('s')}Statuses"):
            if running.get("imageID"):
                yield str(running.get("name")), str(running["imageID"])


def _instant(text: Any) -> datetime | None:  # noqa: ANN401 - hostile JSON
    try:
        return parse(text) if isinstance(text, str) else None
    except ValueError:
        return None
