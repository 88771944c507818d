"""The probes: two pods that live for a few seconds, one that listens and one that calls."""

from __future__ import annotations

from collections.abc import Iterable

from irkit.cluster.protocol import Json
from irkit.contain import marks
from irkit.contain.proof import script
from irkit.contain.proof.nouns import LISTEN, Target
from irkit.model.pod import PodRef

# As the "restricted" Pod Security Standard asks; a probe needs nothing.
CONTAINER = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65534,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_LITTLE = {"cpu": "50m", "memory": "32Mi"}
# A service mesh's proxy answers every call itself, and would make every port look open.
_NO_MESH = {"sidecar.istio.io/inject": "false"}
_NO_LINK = {"linkerd.io/inject": "disabled"}


def names(uid: str) -> tuple[str, str]:
    """Of the probes for the pod `uid`: who listens, who calls."""
    return f"irkit-listen-{uid[:8].lower()}", f"irkit-probe-{uid[:8].lower()}"


def listener(pod: PodRef, uid: str, case: str, run: str, image: str) -> Json:
    """The pod that listens."""
    whole = _pod(names(uid)[0], pod, uid, case, run, image, script.LISTENER)
    whole["spec"]["containers"][0]["ports"] = [{"containerPort": LISTEN}]
    return whole


def caller(pod: PodRef, uid: str, case: str, run: str, image: str, targets: Iterable[Target]) -> Json:
    """The pod that calls."""
    return _pod(names(uid)[1], pod, uid, case, run, image, script.caller(targets))


def _pod(name: str, pod: PodRef, uid: str, case: str, run: str, image: str, program: str) -> Json:
    container = {
        "name": "probe",
        "image": image,
        "command": ["sh", "-c", program],
        "securityContext": CONTAINER,
        "resources": {"requests": _LITTLE, "limits": _LITTLE},
    }
    labels = {marks.MANAGED_BY: marks.IRKIT, marks.PROBE: uid, **_NO_MESH}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": pod.namespace,
            "labels": labels | ({marks.RUN: run} if run else {}),
            "annotations": {marks.CASE: case, marks.POD: pod.name, marks.UID: uid, **_NO_LINK},
        },
        "spec": {
            "containers": [container],
            "restartPolicy": "Never",
            "activeDeadlineSeconds": script.LIFE,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
        },
    }
