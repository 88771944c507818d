"""What irkit leaves on objects in the cluster, so that they alone tell what was done and how to take it back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from irkit import digest
from irkit.cluster.objects import part
from irkit.cluster.protocol import Json
from irkit.cluster.resources import NETWORK_POLICIES
from irkit.model.codec import compact
from irkit.model.pod import PodRef

# Not under kubernetes.io or k8s.io: Cilium leaves such labels out of a pod's identity, and a policy on one selects
# nothing there.
QUARANTINE = "irkit.dev/quarantine"
CASE = "irkit.dev/case"
POD, UID = "irkit.dev/pod", "irkit.dev/pod-uid"
ORIGINAL, ORIGINAL_SHA256 = "irkit.dev/original-labels", "irkit.dev/original-labels-sha256"
RUN = "irkit.dev/run"
MANAGED_BY, IRKIT = "app.kubernetes.io/managed-by", "irkit"

Labels = Mapping[str, str]


def policy_name(uid: str) -> str:
    """The name of the policy that quarantines the pod `uid`."""
    return f"irkit-q-{uid[:8].lower()}"


def quarantine(pod: PodRef, uid: str, case: str, run: str) -> Json:
    """The deny-all policy for the one pod `uid`: both directions, no rule, so not even DNS."""
    return {
        "apiVersion": NETWORK_POLICIES.api_version,
        "kind": NETWORK_POLICIES.kind,
        "metadata": {
            "name": policy_name(uid),
            "namespace": pod.namespace,
            "labels": {MANAGED_BY: IRKIT} | ({RUN: run} if run else {}),
            "annotations": {CASE: case, POD: pod.name, UID: uid},
        },
        "spec": {"podSelector": {"matchLabels": {QUARANTINE: uid}}, "policyTypes": ["Ingress", "Egress"]},
    }


def owner(policy: Json) -> str | None:
    """The uid of the pod that `policy` quarantines; None when irkit did not make it."""
    metadata = part(policy, "metadata")
    uid = part(metadata, "annotations").get(UID)
    ours = isinstance(uid, str) and metadata.get("name") == policy_name(uid)
    return uid if ours and part(metadata, "labels").get(MANAGED_BY) == IRKIT else None


def labelled(labels: Labels, uid: str) -> dict[str, str]:
    """The pod's labels under quarantine."""
    return {**labels, QUARANTINE: uid}


def remember(annotations: Labels, labels: Labels, case: str) -> dict[str, str]:
    """The pod's annotations, with `labels` as those to restore."""
    text = compact(dict(labels)).decode()
    return {**annotations, CASE: case, ORIGINAL: text, ORIGINAL_SHA256: digest.of_bytes(text.encode())}


def forget(annotations: Labels) -> dict[str, str]:
    """The pod's annotations without ours."""
    return {key: value for key, value in annotations.items() if key not in (CASE, ORIGINAL, ORIGINAL_SHA256)}


def original(annotations: Labels) -> dict[str, str] | None:
    """The labels to restore; None when they are not there, or not as irkit wrote them."""
    text = annotations.get(ORIGINAL, "")
    if digest.of_bytes(text.encode()) != annotations.get(ORIGINAL_SHA256):
        return None
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    sound = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    return found if sound else None


def released(labels: Labels, original: Labels) -> dict[str, str]:
    """The pod's labels with our change taken back, whatever others changed since."""
    rest = {key: value for key, value in labels.items() if key != QUARANTINE}
    return rest | ({QUARANTINE: original[QUARANTINE]} if QUARANTINE in original else {})
