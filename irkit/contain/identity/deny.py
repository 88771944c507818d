"""The admission policy that refuses what one pod writes, told apart by the uid that its token is bound to."""

from __future__ import annotations

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
# What the API server says of the pod that a token is bound to (k8s.io/apiserver/pkg/authentication/serviceaccount).
_EXTRA = "request.userInfo.extra"
_KEY = "'authentication.kubernetes.io/pod-uid'"


def manifests(pod: PodRef, uid: str, case: str, run: str) -> tuple[tuple[Resource, Json], ...]:
    """The policy and its binding for the pod `uid`, in the order in which to make them."""
    name = f"irkit-revoked-{uid}".lower()
    # Names and uids are checked where they come in (PodRef), so that none can end this string.
    condition = (
        f"has({_EXTRA}) && {_KEY} in {_EXTRA} && '{PodRef(pod.namespace, pod.name, uid).uid}' in {_EXTRA}[{_KEY}]"
    )
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"], "scope": "*"}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [everything]},
        "matchConditions": [{"name": "sent-by-the-revoked-pod", "expression": condition}],
        "validations": [
            {"expression": "false", "message": "the identity of this pod is revoked (irkit)", "reason": "Forbidden"}
        ],
    }
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
            "namespace": "",  # it has none, and `Hand` asks for one
            "labels": {marks.MANAGED_BY: marks.IRKIT} | ({marks.RUN: run} if run else {}),
            "annotations": {marks.CASE: case, NAMESPACE: pod.namespace, marks.POD: pod.name, marks.UID: uid},
        },
        "spec": spec,
    }


def put(hand: Hand, pod: PodRef, uid: str, case: str, run: str) -> None:
    """Have the pod's writes refused.

    Raises Refused where the API server has no such policies, or something else has their name.
    """
    for resource, body in manifests(pod, uid, case, run):
        there = resource.path(name=body["metadata"]["name"])
        try:
            _same(hand.cluster.get(there).json(), body)
        except NotFound:
            try:
                hand.create(resource, body, "refuses what the pod writes; reads go on")
            except AlreadyExists:
                _same(hand.cluster.get(there).json(), body)
            except NotFound as error:
                told = "this API server has no ValidatingAdmissionPolicy v1 (it came with Kubernetes 1.30)"
                raise Refused(told, "nothing was changed; take the account's bindings away by hand") from error


def _same(there: Json, wanted: Json) -> None:
    """Raise Refused where an object of the name is not what irkit would make."""
    metadata, ours = there["metadata"], wanted["metadata"]["annotations"][marks.UID]
    if part(metadata, "annotations").get(marks.UID) != ours or not _covers(there.get("spec"), wanted["spec"]):
        raise Refused(
            f"the {wanted['kind']} {metadata['name']} is in the way: it is not as irkit makes it",
            "look at it, and delete it if nobody needs it",
        )


def _covers(there: Any, wanted: Any) -> bool:  # noqa: ANN401 - any JSON
    """True when `there` is `wanted`, defaults of the server aside."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(_covers(there.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(there, list) and len(there) == len(wanted)
        return same and all(map(_covers, there, wanted))
    return bool(there == wanted)


def found(cluster: Cluster, pod: PodRef) -> list[tuple[Resource, Json]]:
    """Ours for the pod, binding first: for every pod that had the name when `pod` is not pinned."""
    query = {"labelSelector": f"{marks.MANAGED_BY}={marks.IRKIT}"}
    listed: list[tuple[Resource, Json]] = []
    for resource in (BINDINGS, POLICIES):
        with suppress(NotFound):  # an API server that has no such thing has none of ours
            listed += [(resource, each) for each in items(cluster.pages(resource.path(), query)) if _ours(each, pod)]
    return listed


def _ours(each: Json, pod: PodRef) -> bool:
    notes = part(each["metadata"], "annotations")
    uid = notes.get(marks.UID)
    if not uid or each["metadata"].get("name") != f"irkit-revoked-{uid}".lower():
        return False
    return uid == pod.uid if pod.uid else (notes.get(NAMESPACE), notes.get(marks.POD)) == (pod.namespace, pod.name)


def take_away(hand: Hand, ours: list[tuple[Resource, Json]]) -> None:
    """Let the pod write again."""
    for resource, each in ours:
        with suppress(NotFound):
            seen = {**each, "metadata": {**each["metadata"], "namespace": ""}}
            hand.delete(resource, seen, "the pod may write again")
