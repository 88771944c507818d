"""get and list: selectors, pages, tables."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable

from irkit.drill.range.answer import Answer, ApiFailure, Json, bad_request, expired, not_found
from irkit.drill.range.face import tables
from irkit.drill.range.kinds.selectors import Test, by_fields, by_labels
from irkit.drill.range.kinds.table import Kind
from irkit.drill.range.state.store import Key
from irkit.drill.range.verbs.call import Call, number, revision

_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
    "modified, or deleted between the time the first chunk was returned and now may show up in the list."
)


def existing(call: Call) -> Json:
    """The object that the request names; raises 404."""
    obj = call.store.get(call.kind, scope(call), call.ask.name)
    if obj is None:
        raise not_found(call.kind, call.ask.name)
    return obj


def scope(call: Call) -> str:
    """The namespace that the kind's objects are kept under."""
    return call.ask.namespace if call.kind.namespaced else ""


def get(call: Call) -> Answer:
    """One object."""
    revision(call)
    return Answer(200, presenter(call)(existing(call)))


def selected(call: Call) -> Test:
    """The test that the request's selectors stand for."""
    labels = by_labels(call.ask.query.get("labelSelector", ""))
    fields = by_fields(call.kind, call.ask.query.get("fieldSelector", ""))
    return lambda obj: labels(obj) and fields(obj)


def presenter(call: Call) -> Callable[[Json], Json]:
    """How single objects are shown: as they are, as a table, as metadata; raises 406 for what cannot be had."""
    form = negotiated(call)
    if form == "Table":
        return lambda obj: tables.table(call.kind, [obj], call.ask.query, obj["metadata"], call.store.clock())
    return partial if form == "PartialObjectMetadata" else (lambda obj: obj)


def partial(obj: Json) -> Json:
    """Only the object's metadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def negotiated(call: Call) -> str:
    """The kind that the Accept header asks for, "" for plain JSON; raises 406."""
    for offer in filter(None, (part.strip() for part in call.accept.split(","))):
        media, *parameters = (part.strip() for part in offer.split(";"))
        asked = dict(part.split("=", 1) for part in parameters if "=" in part)
        if media in ("application/json", "*/*", "application/*"):
            form = asked.get("as", "").removesuffix("List")
            if form in ("", "Table", "PartialObjectMetadata"):
                return form
    if call.accept:
        offers = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
        raise ApiFailure(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {offers}", {})
    return ""


def list_(call: Call) -> Answer:
    """A list, or one page of it."""
    test, limit = selected(call), number(call, "limit") or 0
    at, start = _token(call)
    objects = call.store.past(call.kind, at)
    keys = [
        key
        for key in sorted(objects)
        if key > start and (not call.ask.namespace or key[0] == call.ask.namespace) and test(objects[key])
    ]
    page = keys[:limit] if limit > 0 else keys
    meta: Json = {"resourceVersion": str(at)}
    if len(page) < len(keys):
        meta["continue"] = _continue(at, page[-1])
        if not (call.ask.query.get("labelSelector") or call.ask.query.get("fieldSelector")):
            meta["remainingItemCount"] = len(keys) - len(page)
    return Answer(200, _listed(call, [objects[key] for key in page], meta))


def _listed(call: Call, items: list[Json], meta: Json) -> Json:
    form, kind = negotiated(call), call.kind
    if form == "Table":
        return tables.table(kind, items, call.ask.query, meta, call.store.clock())
    if form == "PartialObjectMetadata":
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": meta,
            "items": [partial(item) for item in items],
        }
    return listing(kind, items, meta)


def listing(kind: Kind, items: list[Json], meta: Json) -> Json:
    """A list object; its items carry no kind, as in the API server's lists."""
    plain = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items]
    return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": plain}


def _continue(at: int, key: Key) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": at, "start": f"{key[0]}/{key[1]}\0"}
    return base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")


def _token(call: Call) -> tuple[int, Key]:
    given = call.ask.query.get("continue", "")
    if not given:
        revision(call)
        return call.store.revision, ("", "")
    try:
        token = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
        at, (namespace, name) = int(token["rv"]), token["start"].rstrip("\0").split("/", 1)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from error
    if at == -1:
        at = call.store.revision
    elif at < call.store.compacted:
        raise expired(_OLD, _continue(-1, (namespace, name)))
    return at, (namespace, name)
