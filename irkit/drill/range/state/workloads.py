"""Workload controllers: deployments, replica sets, stateful sets, and the pods they keep."""

from __future__ import annotations

import copy
import hashlib
import json

from irkit.drill.range.answer import Json
from irkit.drill.range.kinds.selectors import matches
from irkit.drill.range.kinds.table import named
from irkit.drill.range.state.store import Store

POD, DEPLOYMENT = named("v1", "Pod"), named("apps/v1", "Deployment")
REPLICA_SET, STATEFUL_SET = named("apps/v1", "ReplicaSet"), named("apps/v1", "StatefulSet")
_HASH = "pod-template-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def tail(store: Store) -> str:
    """Five characters that make a generated name unique."""
    return "".join(store.rng.choice(_ALPHABET) for _ in range(5))


def owner(obj: Json) -> Json:
    """The reference to the controller of `obj`; empty where there is none."""
    return next((each for each in obj["metadata"].get("ownerReferences") or [] if each.get("controller")), {})


def reference(controller: Json) -> Json:
    """The ownerReference of what `controller` controls."""
    meta = controller["metadata"]
    about = {"apiVersion": controller["apiVersion"], "kind": controller["kind"], "name": meta["name"]}
    return {**about, "uid": meta["uid"], "controller": True, "blockOwnerDeletion": True}


def child(store: Store, parent: Json, name: str) -> Json:
    """The metadata of a new object that `parent` controls."""
    meta = {"name": name, "namespace": parent["metadata"]["namespace"], "uid": store.uid()}
    return {**meta, "creationTimestamp": store.time(), "ownerReferences": [reference(parent)]}


def deploy(store: Store, deployment: Json) -> None:
    """One replica set for the template as it is, at the size asked for; the others at none."""
    meta, spec = deployment["metadata"], deployment["spec"]
    mine = [each for each in store.all(REPLICA_SET, meta["namespace"]) if owner(each).get("uid") == meta["uid"]]
    current = next((each for each in mine if _template(each) == _template(deployment)), None)
    current = current or store.put(REPLICA_SET, _replica_set(store, deployment))
    for each in mine:
        wanted = spec.get("replicas", 1) if each is current else 0
        if each["spec"].get("replicas", 1) != wanted:
            store.put(REPLICA_SET, {**each, "spec": {**each["spec"], "replicas": wanted}})
    _report(store, deployment, {"updatedReplicas": spec.get("replicas", 1)})


def _template(workload: Json) -> Json:
    template = workload["spec"]["template"]
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != _HASH}
    return {**template, "metadata": {**template["metadata"], "labels": labels, "creationTimestamp": None}}


def _replica_set(store: Store, deployment: Json) -> Json:
    spec = deployment["spec"]
    mark = hashlib.sha256(json.dumps(_template(deployment), sort_keys=True).encode()).hexdigest()[:10]
    template = copy.deepcopy(spec["template"])
    template["metadata"]["labels"] = {**(template["metadata"].get("labels") or {}), _HASH: mark}
    selector = copy.deepcopy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), _HASH: mark}
    about = child(store, deployment, f"{deployment['metadata']['name']}-{mark}")
    about |= {"labels": template["metadata"]["labels"], "generation": 1}
    body = {"replicas": spec.get("replicas", 1), "selector": selector, "template": template}
    return {"kind": "ReplicaSet", "apiVersion": "apps/v1", "metadata": about, "spec": body}


def replicate(store: Store, replica_set: Json) -> None:
    """Pods that match its own, those that no longer match are released, and there are as many as asked."""
    meta, spec = replica_set["metadata"], replica_set["spec"]
    for pod in store.all(POD, meta["namespace"]):
        _claim(store, replica_set, pod)
    mine = [pod for pod in store.all(POD, meta["namespace"]) if owner(pod).get("uid") == meta["uid"]]
    mine.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], int(pod["metadata"]["resourceVersion"])))
    wanted = spec.get("replicas", 1)
    for pod in mine[wanted:]:
        store.remove(POD, pod)
    for _ in range(wanted - len(mine)):
        about = child(store, replica_set, f"{meta['name']}-{tail(store)}") | {"generateName": f"{meta['name']}-"}
        store.put(POD, _pod(spec["template"], about))
    _report(store, replica_set, {})


def _pod(template: Json, about: Json) -> Json:
    given = copy.deepcopy(template)
    meta = {key: value for key, value in given.get("metadata", {}).items() if key != "creationTimestamp"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {**meta, **about}, "spec": given["spec"],
            "status": {"phase": "Pending"}}  # fmt: skip


def _claim(store: Store, replica_set: Json, pod: Json) -> None:
    uid, fits = replica_set["metadata"]["uid"], matches(replica_set["spec"]["selector"], _labels(pod))
    if (owner(pod).get("uid") == uid) is fits or (fits and owner(pod)) or pod["metadata"].get("deletionTimestamp"):
        return
    changed = copy.deepcopy(pod)
    kept = [each for each in changed["metadata"].pop("ownerReferences", []) if each["uid"] != uid]
    kept += [reference(replica_set)] if fits else []
    changed["metadata"] |= {"ownerReferences": kept} if kept else {}
    store.put(POD, changed)


def _labels(pod: Json) -> dict[str, str]:
    return pod["metadata"].get("labels") or {}


def number(store: Store, stateful_set: Json) -> None:
    """A pod for each ordinal whose name is free; an orphan of that name stands in the way, as on a real cluster."""
    meta, spec = stateful_set["metadata"], stateful_set["spec"]
    wanted = spec.get("replicas", 1)
    for ordinal in range(wanted):
        name = f"{meta['name']}-{ordinal}"
        if store.get(POD, meta["namespace"], name) is None:
            made = _pod(spec["template"], child(store, stateful_set, name))
            made["metadata"]["labels"] = {**_labels(made), "statefulset.kubernetes.io/pod-name": name}
            store.put(POD, made)
    _report(store, stateful_set, {})


def _report(store: Store, workload: Json, found: Json) -> None:
    kind, meta = named("apps/v1", workload["kind"]), workload["metadata"]
    have = workload["spec"].get("replicas", 1)
    counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas"), have)
    seen = {"observedGeneration": meta.get("generation", 1)}
    status = {**workload.get("status", {}), **counts, **seen, **found}
    if status != workload.get("status"):
        store.put(kind, {**(store.get(kind, meta["namespace"], meta["name"]) or workload), "status": status})
