"""Cilium: a deny beats every allow, NetworkPolicies included (docs.cilium.io, policy/deny)."""

from __future__ import annotations

from collections.abc import Iterable

from irkit.cluster.protocol import Json
from irkit.contain import marks
from irkit.pattern import BadPattern, beginner

CONFIG = ("kube-system", "cilium-config")
_SOURCE = "k8s"


def spec(uid: str) -> Json:
    """Nothing out; nothing in but from the pod's own node.

    Its kubelet has to get through: a liveness probe that fails restarts the container, and its memory is lost.
    """
    everywhere = {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}
    return {
        "endpointSelector": {"matchLabels": {marks.QUARANTINE: uid}},
        "enableDefaultDeny": {"ingress": True, "egress": True},
        "ingressDeny": [{"fromEntities": ["world", "remote-node"]}, {"fromEndpoints": [everywhere]}],
        "egressDeny": [{"toEntities": ["all"]}],
    }


def obstacle(config: Json) -> str | None:
    """Why a policy for our label would do nothing under `config`, the data of Cilium's ConfigMap; None: it works.

    Patterns in `labels` say which labels make a pod's identity: once one includes some, all others are left out
    (pkg/labelsfilter).
    """
    if config.get("enable-policy") == "never":
        return "Cilium does not enforce policies here (enable-policy: never)"
    including, found = False, False
    for source, negated, pattern in _patterns(str(config.get("labels") or "").split()):
        ours = source in ("", _SOURCE) and _begins(pattern, marks.QUARANTINE)
        if ours and negated:
            return f"Cilium leaves the label {marks.QUARANTINE} out of a pod's identity here (labels: {pattern})"
        including |= not negated
        found |= ours
    if including and not found:
        return f"Cilium looks at listed labels only here (cilium-config: labels), and not at {marks.QUARANTINE}"
    return None


def _patterns(listed: Iterable[str]) -> Iterable[tuple[str, bool, str]]:
    for one in listed:
        source, colon, rest = one.partition(":")
        pattern = rest if colon else one
        yield source if colon else "", pattern.startswith("!"), pattern.removeprefix("!")


def _begins(pattern: str, key: str) -> bool:
    try:
        return beginner(pattern)(key)
    except BadPattern:  # Cilium's agent does not start with such a one: it is about no label
        return False
