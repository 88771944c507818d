"""Questions about oneself: SelfSubjectAccessReview, SelfSubjectRulesReview, SelfSubjectReview."""

from __future__ import annotations

from irkit.drill.range.access.rbac import Wish, allowed, rules_for
from irkit.drill.range.answer import Answer, Cause, Json, invalid
from irkit.drill.range.verbs.call import Call


def _answered(call: Call, body: Json, status: Json, *, stamped: bool = False) -> Answer:
    meta: Json = {"creationTimestamp": call.store.time()} if stamped else {}
    shown = {"kind": call.kind.kind, "apiVersion": call.kind.api_version, "metadata": meta}
    return Answer(201, {**shown, **({"spec": body["spec"]} if "spec" in body else {}), "status": status})


def access(call: Call) -> Answer:
    """Whether I may."""
    body = call.body()
    spec = body.get("spec") or {}
    asked = spec.get("resourceAttributes")
    path = spec.get("nonResourceAttributes")
    if (asked is None) is (path is None):
        both = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid("", "", [Cause("spec", "FieldValueInvalid", both)], group="authorization.k8s.io")
    why = allowed(call.store, call.user, _wish(asked, path))
    verdict: Json = {"allowed": why is not None}
    return _answered(call, body, verdict | ({"reason": why} if why else {}))


def _wish(asked: Json | None, path: Json | None) -> Wish:
    if asked is None:
        return Wish((path or {}).get("verb", ""), path=(path or {}).get("path", ""))
    resource, subresource = asked.get("resource", ""), asked.get("subresource", "")
    return Wish(
        asked.get("verb", ""),
        asked.get("group", ""),
        f"{resource}/{subresource}" if subresource else resource,
        asked.get("namespace", ""),
        asked.get("name", ""),
    )


def rules(call: Call) -> Answer:
    """What I may do in this namespace."""
    body = call.body()
    found = rules_for(call.store, call.user, (body.get("spec") or {}).get("namespace", ""))
    status = {
        "resourceRules": [rule for rule in found if "resources" in rule],
        "nonResourceRules": [rule for rule in found if "nonResourceURLs" in rule],
        "incomplete": False,
    }
    return _answered(call, body, status)


def myself(call: Call) -> Answer:
    """Who I am."""
    return _answered(call, {}, {"userInfo": call.user.info()}, stamped=True)
