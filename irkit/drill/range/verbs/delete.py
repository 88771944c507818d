"""delete: preconditions, finalizers, grace."""

from __future__ import annotations

from datetime import timedelta

from irkit.drill.range.answer import Answer, Json, conflict, success
from irkit.drill.range.verbs.call import Call
from irkit.drill.range.verbs.read import existing, listing, presenter, selected

# The kinds whose deletion answers with the object instead of a Status.
_RETURNED = ("Pod", "Namespace", "Service", "ServiceAccount", "PersistentVolumeClaim", "ResourceQuota")


def delete(call: Call) -> Answer:
    """The object deleted, or marked for deletion while finalizers or its grace hold it."""
    obj = existing(call)
    _preconditions(call, obj)
    left = gone(call, obj)
    if left["metadata"].get("deletionTimestamp") or call.kind.kind in _RETURNED:
        return Answer(200, presenter(call)(left))
    return Answer(200, success(call.kind, obj))


def delete_all(call: Call) -> Answer:
    """Every object that the selectors select, deleted."""
    test = selected(call)
    namespace = call.ask.namespace if call.kind.namespaced else ""
    found = [gone(call, obj) for obj in call.store.all(call.kind, namespace) if test(obj)]
    return Answer(200, listing(call.kind, found, {"resourceVersion": str(call.store.revision)}))


def gone(call: Call, obj: Json) -> Json:
    """`obj` on its way out: as it is while it waits, or as it was last."""
    meta, grace = obj["metadata"], _grace(call, obj)
    waits = bool(grace or meta.get("finalizers") or call.kind.kind == "Namespace")
    if waits and meta.get("deletionTimestamp"):
        return obj
    marked = _marked(call, obj, grace) if waits or call.kind.kind == "Pod" else obj
    if call.dry:
        return marked
    if waits:
        return call.store.put(call.kind, marked)
    last = call.store.remove(call.kind, obj)
    return {**marked, "metadata": {**marked["metadata"], "resourceVersion": last["metadata"]["resourceVersion"]}}


def _marked(call: Call, obj: Json, grace: int) -> Json:
    end = (call.store.clock() + timedelta(seconds=grace)).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = {**obj["metadata"], "deletionTimestamp": end}
    if call.kind.kind == "Namespace":
        return {**obj, "metadata": meta, "status": {"phase": "Terminating"}}
    meta["deletionGracePeriodSeconds"] = grace
    if "generation" in meta:
        meta["generation"] += 1
    return {**obj, "metadata": meta}


def _grace(call: Call, obj: Json) -> int:
    if call.kind.kind != "Pod" or not obj["spec"].get("nodeName"):
        return 0
    options = call.options() | {key: value for key, value in call.ask.query.items() if key == "gracePeriodSeconds"}
    given = options.get("gracePeriodSeconds")
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30) if given is None else given)


def _preconditions(call: Call, obj: Json) -> None:
    wanted = call.options().get("preconditions") or {}
    meta, name = obj["metadata"], call.ask.name
    for key, title, hint in (
        ("uid", "UID", "The object might have been deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "The object might have been modified"),
    ):
        if key in wanted and wanted[key] != meta[key]:
            why = f"the {title} in the precondition ({wanted[key]}) does not match the {title} in record ({meta[key]})."
            failure = conflict(call.kind, name, f"{why} {hint}")
            titled = ".".join(filter(None, (call.kind.kind, call.kind.group)))
            failure.message = f'Operation cannot be fulfilled on {titled} "{name}": {why} {hint}'
            failure.details = {**(failure.details or {}), "kind": call.kind.kind}
            raise failure
