"""Admission policies of ours, one pair of policy and binding for one pod: put, found, taken away."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import Resource
from irkit.contain import marks
from irkit.contain.hand import Hand
from irkit.errors import AlreadyExists, NotFound, Refused
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

_GROUP = "admissionregistration.k8s.io"
POLICIES = Resource(_GROUP, "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", namespaced=False)
BINDINGS = Resource(
    _GROUP, "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", namespaced=False
)
NEEDS: tuple[Permission, ...] = tuple(
    each.permission(verb) for each in (POLICIES, BINDINGS) for verb in ("create", "delete", "get", "list")
)
NAMESPACE = "irkit.dev/pod-namespace"

Made = list[tuple[Resource, Json]]


def pair(prefix: str, policy: Json, pod: PodRef, uid: str, case: str, run: str) -> tuple[tuple[Resource, Json], ...]:
    """The policy with this spec and its binding for the pod `uid`, in the order in which to make them."""
    name = f"{prefix}-{uid}".lower()
    # "Audit" leaves the refusal in the audit event, where a detection finds it.
    binding = {"policyName": name, "validationActions": ["Deny", "Audit"]}
    return tuple(
        (each, _object(each, name, spec, pod, uid, case, run))
        for each, spec in ((POLICIES, policy), (BINDINGS, binding))
    )


def _object(resource: Resource, name: str, spec: Json, pod: PodRef, uid: str, case: str, run: str) -> Json:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": name,
            "labels": {marks.MANAGED_BY: marks.IRKIT} | ({marks.RUN: run} if run else {}),
            "annotations": {marks.CASE: case, NAMESPACE: pod.namespace, marks.POD: pod.name, marks.UID: uid},
        },
        "spec": spec,
    }


def put(hand: Hand, wanted: Iterable[tuple[Resource, Json]], detail: str) -> None:
    """Have them in place. Raises Refused where something else has the name, or the API server knows no such thing."""
    for resource, body in wanted:
        there = resource.path(name=body["metadata"]["name"])
        try:
            _same(hand.cluster.get(there).json(), body)
        except NotFound:
            try:
                hand.create(resource, body, detail)
            except AlreadyExists:
                _same(hand.cluster.get(there).json(), body)
            except NotFound as error:
                told = "this API server has no ValidatingAdmissionPolicy v1 (it came with Kubernetes 1.30)"
                raise Refused(told, "nothing was changed") from error


def _same(there: Json, wanted: Json) -> None:
    """Raise Refused where an object of the name is not what irkit would make."""
    metadata, ours = there["metadata"], wanted["metadata"]["annotations"][marks.UID]
    if part(metadata, "annotations").get(marks.UID) != ours or not covers(there.get("spec"), wanted["spec"]):
        raise Refused(
            f"the {wanted['kind']} {metadata['name']} is in the way: it is not as irkit makes it",
            "look at it, and delete it if nobody needs it",
        )


def covers(there: Any, wanted: Any) -> bool:  # noqa: ANN401 - any JSON
    """True when `there` is `wanted`, defaults of the server aside."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(covers(there.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(there, list) and len(there) == len(wanted)
        return same and all(map(covers, there, wanted))
    return bool(there == wanted)


def found(cluster: Cluster, prefix: str, pod: PodRef) -> Made:
    """Ours for the pod, binding first: for every pod that had the name when `pod` is not pinned."""
    listed: Made = []
    for resource in (BINDINGS, POLICIES):
        with suppress(NotFound):  # an API server that has no such thing has none of ours
            every = items(cluster.pages(resource.path(), marks.OURS))
            listed += [(resource, each) for each in every if is_ours(each, prefix, pod)]
    return listed


def is_ours(each: Json, prefix: str, pod: PodRef) -> bool:
    """True for one that `pair` made with this prefix for the pod."""
    notes, uid = part(each["metadata"], "annotations"), owner(each)
    if not uid or each["metadata"].get("name") != f"{prefix}-{uid}".lower():
        return False
    return uid == pod.uid if pod.uid else (notes.get(NAMESPACE), notes.get(marks.POD)) == (pod.namespace, pod.name)


def owner(each: Json) -> str:
    """The uid of the pod that it was made for; "" where none is told."""
    return str(part(part(each, "metadata"), "annotations").get(marks.UID) or "")


def take_away(hand: Hand, ours: Made, detail: str) -> None:
    """Delete them, as they were found."""
    for resource, each in ours:
        with suppress(NotFound):
            hand.delete(resource, each, detail)
