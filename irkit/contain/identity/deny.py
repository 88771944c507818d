"""The admission policy that refuses what one pod writes, told apart by the uid that its token is bound to."""

from __future__ import annotations

from irkit.cluster.protocol import Cluster
from irkit.contain import admission
from irkit.contain.hand import Hand
from irkit.model.pod import PodRef

NEEDS = admission.NEEDS
PREFIX = "irkit-revoked"
# What the API server says of the pod that a token is bound to (k8s.io/apiserver/pkg/authentication/serviceaccount).
_EXTRA = "request.userInfo.extra"
_KEY = "'authentication.kubernetes.io/pod-uid'"


def put(hand: Hand, pod: PodRef, uid: str, case: str, run: str) -> None:
    """Have the pod's writes refused.

    Raises Refused where the API server has no such policies, or something else has their name.
    """
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
    wanted = admission.pair(PREFIX, policy, pod, uid, case, run)
    admission.put(hand, wanted, "refuses what the pod writes; reads go on")


def found(cluster: Cluster, pod: PodRef) -> admission.Made:
    """Ours for the pod, binding first: for every pod that had the name when `pod` is not pinned."""
    return admission.found(cluster, PREFIX, pod)


def take_away(hand: Hand, ours: admission.Made) -> None:
    """Let the pod write again."""
    admission.take_away(hand, ours, "the pod may write again")
