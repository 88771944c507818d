"""create, update and patch: one way from a body to a stored object."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping

from irkit.drill.range.answer import (
    Answer,
    ApiFailure,
    Cause,
    Json,
    already_exists,
    bad_request,
    invalid,
    modified,
    unsupported_media,
)
from irkit.drill.range.change import jsonpatch, merge, ownership
from irkit.drill.range.change.ownership import Manager
from irkit.drill.range.kinds.table import named
from irkit.drill.range.kinds.types import of_kind
from irkit.drill.range.verbs.call import Call, document
from irkit.drill.range.verbs.defaults import admitted, defaulted, status
from irkit.drill.range.verbs.read import existing, presenter, scope
from irkit.drill.range.verbs.validation import check, typed

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NO_STATUS_OF_ITS_OWN = ("Event", "ComponentStatus")


def create(call: Call) -> Answer:
    """A new object; raises 409 when its name is taken, 404 without its namespace."""
    return Answer(201, presenter(call)(made(call, typed(call, call.body()))))


def made(call: Call, obj: Json, manager: Manager | None = None) -> Json:
    """`obj` created; `manager` is None for an update-like ownership of all fields."""
    obj, namespace = _named(call, obj), scope(call)
    if namespace:
        _inhabited(call, namespace)
    obj = defaulted(call.kind, obj)
    check(call.kind, obj, None)
    authored, obj = obj, admitted(call.kind, obj, call.store)
    name = obj["metadata"]["name"]
    if call.store.get(call.kind, namespace, name) is not None:
        raise already_exists(call.kind, name)
    meta = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "selfLink")}
    meta |= {"uid": call.store.uid(), "creationTimestamp": call.store.time()}
    if "spec" in obj and call.kind.kind not in ("Namespace", "Service", "Node"):
        meta["generation"] = 1
    if manager is None:
        owned = {"metadata": meta, **_plain(_body(authored))}
        entries = ownership.updated(of_kind(call.kind.kind), None, owned, _manager(call))
        meta |= {"managedFields": entries} if entries else {}
    fresh = status(call.kind)
    body = _plain(_body(obj)) | ({"status": fresh} if fresh is not None else {})
    new = {"kind": call.kind.kind, "apiVersion": call.kind.api_version, "metadata": meta, **body}
    return new if call.dry else call.store.put(call.kind, new)


def _body(obj: Json) -> Json:
    return {key: value for key, value in obj.items() if key not in ("kind", "apiVersion", "metadata", "status")}


def _plain(body: Json) -> Json:
    if "stringData" not in body:
        return body
    coded = {key: base64.b64encode(text.encode()).decode() for key, text in body["stringData"].items()}
    rest = {key: value for key, value in body.items() if key != "stringData"}
    return {**rest, "data": {**(body.get("data") or {}), **coded}}


def _named(call: Call, obj: Json) -> Json:
    meta, namespace = dict(obj.get("metadata") or {}), scope(call)
    if namespace and meta.get("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if namespace:
        meta["namespace"] = namespace
    else:
        meta.pop("namespace", None)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"] + "".join(call.store.rng.choice(_ALPHABET) for _ in range(5))
    if call.ask.name and meta.get("name", call.ask.name) != call.ask.name:
        raise _renamed(call, meta["name"])
    if call.ask.name:
        meta["name"] = call.ask.name
    return {**obj, "metadata": meta}


def _renamed(call: Call, name: str) -> ApiFailure:
    return bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.ask.name})")


def _inhabited(call: Call, namespace: str) -> None:
    kind = named("v1", "Namespace")
    found = call.store.get(kind, "", namespace)
    if found is None:
        about = {"name": namespace, "kind": "namespaces"}
        raise ApiFailure(404, "NotFound", f'namespaces "{namespace}" not found', about)


def _manager(call: Call) -> Manager:
    return Manager(call.manager, call.kind.api_version, call.store.time(), call.ask.subresource)


def update(call: Call) -> Answer:
    """The object replaced by the body."""
    before = existing(call)
    return Answer(200, presenter(call)(changed(call, before, typed(call, _named(call, call.body()), before))))


def changed(call: Call, before: Json, after: Json, *, owned: bool = False) -> Json:
    """`before` changed to `after`; raises 409 for a stale revision, 422 for what may not change.

    `owned` says that managedFields are already as they should be (after an apply).
    """
    if call.kind.kind != "Pod":  # a pod is complete from its creation, or from the scenario
        after = defaulted(call.kind, after)
    meta = dict(after.get("metadata") or {})
    if meta.get("resourceVersion", "") not in ("", before["metadata"]["resourceVersion"]):
        raise modified(call.kind, call.ask.name)
    if meta.get("name", call.ask.name) != call.ask.name:
        raise _renamed(call, meta["name"])
    for name in _KEPT:
        meta.pop(name, None)
        if name in before["metadata"]:
            meta[name] = before["metadata"][name]
    meta.setdefault("uid", before["metadata"]["uid"])
    meta.setdefault("creationTimestamp", before["metadata"]["creationTimestamp"])
    body = {key: value for key, value in after.items() if key not in ("kind", "apiVersion", "metadata")}
    body = _plain(_part(call, before, body))
    new = {"kind": call.kind.kind, "apiVersion": call.kind.api_version, "metadata": meta, **body}
    check(call.kind, new, before)
    if not owned:
        entries = ownership.updated(of_kind(call.kind.kind), before, new, _manager(call))
        meta.pop("managedFields", None)
        new["metadata"] = meta | ({"managedFields": entries} if entries else {})
    return _kept(call, before, new)


_KEPT = ("namespace", "resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


def _part(call: Call, before: Json, body: Json) -> Json:
    old = {key: value for key, value in before.items() if key not in ("kind", "apiVersion", "metadata")}
    if call.ask.subresource == "status":
        return {**old, "status": body.get("status", {})}
    if call.ask.subresource == "ephemeralcontainers":
        containers = (body.get("spec") or {}).get("ephemeralContainers") or []
        return {**old, "spec": {**old["spec"], "ephemeralContainers": containers}}
    if call.kind.kind in _NO_STATUS_OF_ITS_OWN or "status" not in (body.keys() | old.keys()):
        return body
    rest = {key: value for key, value in body.items() if key != "status"}
    return {**rest, "status": old["status"]} if "status" in old else rest


def _kept(call: Call, before: Json, new: Json) -> Json:
    if new == before:
        return before
    generation = before["metadata"].get("generation")
    if generation is not None and new.get("spec") != before.get("spec"):
        new["metadata"]["generation"] = generation + 1
    if call.dry:
        return new
    stored = call.store.put(call.kind, new)
    if stored["metadata"].get("deletionTimestamp") and not stored["metadata"].get("finalizers"):
        return call.store.remove(call.kind, stored)
    return stored


def patch(call: Call) -> Answer:
    """The object changed by one of the four kinds of patch."""
    if call.media == "application/apply-patch+yaml":
        return _apply(call)
    before = existing(call)
    return Answer(200, presenter(call)(changed(call, before, typed(call, patched(call, before), before))))


def patched(call: Call, before: Json) -> Json:
    """`before` with the request's patch applied; raises 415 for a kind of patch there is not."""
    if call.media not in _PATCHES:
        raise unsupported_media()
    return _PATCHES[call.media](call, before)


def _parsed(call: Call) -> object:
    try:
        return json.loads(call.raw)
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from error


def _object(call: Call) -> Json:
    parsed = _parsed(call)
    if not isinstance(parsed, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}")
    return parsed


_PATCHES: Mapping[str, Callable[[Call, Json], Json]] = {
    "application/json-patch+json": lambda call, before: jsonpatch.apply(before, _parsed(call)),
    "application/merge-patch+json": lambda call, before: merge.merge(before, _object(call)),
    "application/strategic-merge-patch+json": lambda call, before: merge.strategic(
        of_kind(call.kind.kind), before, _object(call)
    ),
}


def _apply(call: Call) -> Answer:
    if not call.ask.query.get("fieldManager"):
        cause = Cause("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")
        raise invalid("PatchOptions", "", [cause], group="meta.k8s.io")
    config = typed(call, _named(call, document(call.raw, call.kind.kind, yaml=True)))
    if config["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    live = call.store.get(call.kind, scope(call), call.ask.name)
    kind = of_kind(call.kind.kind)
    merged = ownership.applied(kind, live, config, _manager(call), force=call.ask.flag("force"))
    if live is None:
        return Answer(201, presenter(call)(made(call, merged, _manager(call))))
    return Answer(200, presenter(call)(changed(call, live, merged, owned=True)))
