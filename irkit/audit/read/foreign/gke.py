"""Google Cloud audit log entries of a GKE API server, put back into the shape the API server wrote.

What Google left out stays out: the entry bears a gRPC status, so no HTTP code is made up for it. The whole entry is
kept under `original`.
"""

from __future__ import annotations

import re
from typing import Any

_ZONE = re.compile(r"(?:[Zz]|[+-]\d\d:\d\d)\Z")
_CORE = "core"  # what Google calls the group without a name


def event(entry: dict[str, Any]) -> dict[str, Any] | None:
    """The audit event in one LogEntry; None for any other service's entry, and for what names no Kubernetes method."""
    payload = entry.get("protoPayload")
    if not isinstance(payload, dict) or payload.get("serviceName") != "k8s.io":
        return None
    verb = str(payload.get("methodName", "")).rpartition(".")[2]
    if not verb:
        return None
    caller = _dict(payload, "requestMetadata")
    request, response = payload.get("request"), payload.get("response")
    found = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata" if request is None else "Request" if response is None else "RequestResponse",
        "auditID": str(_dict(entry, "operation").get("id") or entry.get("insertId") or ""),
        "stage": "ResponseComplete",
        "requestURI": "/" + str(payload.get("resourceName", "")),
        "verb": verb,
        "user": {"username": str(_dict(payload, "authenticationInfo").get("principalEmail", ""))},
        "sourceIPs": [str(caller.get("callerIp") or caller.get("callerIP") or "")],
        "userAgent": str(caller.get("callerSuppliedUserAgent", "")),
        "objectRef": _ref(str(payload.get("resourceName", ""))),
        "responseStatus": {"status": "Failure"} if _dict(payload, "status").get("code") else {},
        "requestReceivedTimestamp": _stamp(str(entry.get("timestamp", ""))),
        "annotations": _labels(entry, payload),
        "original": entry,
    }
    bodies = {"requestObject": request, "responseObject": response}
    return found | {key: value for key, value in bodies.items() if value is not None}


def _stamp(text: str) -> str:
    """In RFC 3339: BigQuery writes a blank for the T, and UTC or nothing at all for the Z."""
    plain = text.removesuffix(" UTC").replace(" ", "T")
    return plain if not plain or _ZONE.search(plain) else f"{plain}Z"


def _dict(found: dict[str, Any], key: str) -> dict[str, Any]:
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def _ref(name: str) -> dict[str, str]:
    """`core/v1/namespaces/payments/pods/web-1/exec`, taken apart."""
    group, version, *rest = [*name.split("/"), "", ""]
    steps = [step for step in rest if step]
    namespace = ""
    if steps[:1] == ["namespaces"] and len(steps) > 2:
        namespace, steps = steps[1], steps[2:]
    resource, name, sub = [*steps, "", "", ""][:3]
    plain = "" if group == _CORE else group
    keys = ("apiGroup", "apiVersion", "namespace", "resource", "name", "subresource")
    return {
        key: value for key, value in zip(keys, (plain, version, namespace, resource, name, sub), strict=True) if value
    }


def _labels(entry: dict[str, Any], payload: dict[str, Any]) -> dict[str, str]:
    """The annotations; a permission that was not granted is the decision, where no label says so."""
    labels = {key: value for key, value in _dict(entry, "labels").items() if isinstance(value, str)}
    asked = payload.get("authorizationInfo")
    refused = isinstance(asked, list) and any(isinstance(one, dict) and one.get("granted") is not True for one in asked)
    return ({"authorization.k8s.io/decision": "forbid"} if refused else {}) | labels
