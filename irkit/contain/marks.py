"""What irkit leaves on objects in the cluster, so that they alone tell what was done and how to take it back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from irkit import digest
from irkit.cluster.objects import part
from irkit.cluster.protocol import Json
from irkit.cluster.resources import NETWORK_POLICIES, Resource
from irkit.model.codec import compact
from irkit.model.pod import PodRef

# Not under kubernetes.io or k8s.io: Cilium leaves such labels out of a pod's identity, and a policy on one selects
# nothing there.
QUARANTINE = "irkit.dev/quarantine"
CASE = "irkit.dev/case"
POD, UID = "irkit.dev/pod", "irkit.dev/pod-uid"
NAMESPACE = "irkit.dev/pod-namespace"  # on an object of the whole cluster
TIER = "irkit"  # Calico's tier of ours; its policies' names begin with it
ORIGINAL, ORIGINAL_SHA256 = "irkit.dev/original-labels", "irkit.dev/original-labels-sha256"
PLACED = "irkit.dev/quarantine-labels"  # the labels as irkit left them
OWNER = "irkit.dev/original-owner"  # the controller that counted the pod: "ReplicaSet/web-5d9c"
RUN = "irkit.dev/run"
PROBE = "irkit.dev/probe"  # on a probe: the uid of the pod that it probes
MANAGED_BY, IRKIT = "app.kubernetes.io/managed-by", "irkit"
OURS = {"labelSelector": f"{MANAGED_BY}={IRKIT}"}  # what to ask for to see what irkit made

Labels = Mapping[str, str]


def policy_name(uid: str) -> str:
    """The name of the policy that quarantines the pod `uid`."""
    return f"irkit-q-{uid[:8].lower()}"


def quarantine(pod: PodRef, uid: str, case: str, run: str) -> Json:
    """The deny-all policy for the one pod `uid`: both directions, no rule, so not even DNS."""
    spec = {"podSelector": {"matchLabels": {QUARANTINE: uid}}, "policyTypes": ["Ingress", "Egress"]}
    return of_ours(NETWORK_POLICIES, pod, uid, case, run, spec)


def of_ours(resource: Resource, pod: PodRef, uid: str, case: str, run: str, spec: Json, *, name: str = "") -> Json:
    """A manifest with `spec`, marked as made for the pod `uid`; without `name` under that of the quarantine."""
    home = {"namespace": pod.namespace} if resource.namespaced else {}
    whose = {} if resource.namespaced else {NAMESPACE: pod.namespace}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": name or policy_name(uid),
            **home,
            "labels": {MANAGED_BY: IRKIT} | ({RUN: run} if run else {}),
            "annotations": {CASE: case, POD: pod.name, UID: uid, **whose},
        },
        "spec": spec,
    }


def owner(policy: Json) -> str | None:
    """The uid of the pod that `policy` quarantines; None when irkit did not make it."""
    metadata = part(policy, "metadata")
    uid = part(metadata, "annotations").get(UID)
    name = str(metadata.get("name")).removeprefix(f"{TIER}.")
    ours = isinstance(uid, str) and name == policy_name(uid)
    return uid if ours and part(metadata, "labels").get(MANAGED_BY) == IRKIT else None


def concerns(made: Json, pod: PodRef) -> bool:
    """True for what `of_ours` made for the pod: for every pod that had the name when `pod` is not pinned."""
    metadata, uid = part(made, "metadata"), owner(made)
    notes = part(metadata, "annotations")
    if pod.uid or uid is None:
        return uid is not None and uid == pod.uid
    return (notes.get(NAMESPACE) or metadata.get("namespace"), notes.get(POD)) == (pod.namespace, pod.name)


def remember(annotations: Labels, labels: Labels, placed: Labels, *, case: str, owner: str = "") -> dict[str, str]:
    """The pod's annotations once its `labels` are replaced by those `placed`.

    What a former isolation remembers stays, changes aside that others made since; so does the owner of then.
    """
    text = compact(restored(labels, annotations, placed[QUARANTINE])).decode()
    owner = owner or annotations.get(OWNER, "")
    return {
        **annotations,
        CASE: case,
        ORIGINAL: text,
        ORIGINAL_SHA256: digest.of_bytes(text.encode()),
        PLACED: compact(dict(placed)).decode(),
    } | ({OWNER: owner} if owner else {})


def forget(annotations: Labels) -> dict[str, str]:
    """The pod's annotations without ours."""
    ours = (CASE, ORIGINAL, ORIGINAL_SHA256, PLACED, OWNER)
    return {key: value for key, value in annotations.items() if key not in ours}


def original(annotations: Labels) -> dict[str, str] | None:
    """The labels to restore; None when they are not there, or not as irkit wrote them."""
    text = annotations.get(ORIGINAL, "")
    return _labels(text) if digest.of_bytes(text.encode()) == annotations.get(ORIGINAL_SHA256) else None


def placed(annotations: Labels) -> dict[str, str] | None:
    """The labels as irkit left them; None when it is not known."""
    return _labels(annotations.get(PLACED, ""))


def restored(labels: Labels, annotations: Labels, uid: str) -> dict[str, str]:
    """The labels of pod `uid` with our changes taken back, those aside that others have changed again since.

    Where there is no sound memory, only our own label is taken off.
    """
    then, now = original(annotations), placed(annotations)
    if then is None or now is None:
        return {key: value for key, value in labels.items() if (key, value) != (QUARANTINE, uid)}
    whole = {key: (then if labels.get(key) == now.get(key) else labels).get(key) for key in {*then, *now, *labels}}
    return {key: value for key, value in whole.items() if value is not None}


def _labels(text: str) -> dict[str, str] | None:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    sound = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    return found if sound else None
