"""A timeline as OCSF: requests are API Activity (6003), findings Detection Finding (2004), the rest Base Event (0)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from irkit import __version__
from irkit.audit.detect.attack import TECHNIQUES
from irkit.audit.detect.attack import VERSION as ATTACK
from irkit.audit.detect.registry import BY_ID
from irkit.audit.timeline.line import Kind, Line
from irkit.model.audit import Severity

VERSION = "1.6.0"
_SEVERITIES = {
    Severity.INFO: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_ACTIVITIES = {
    "create": 1,
    "get": 2,
    "list": 2,
    "watch": 2,
    "update": 3,
    "patch": 3,
    "delete": 4,
    "deletecollection": 4,
}
_NAMES = {1: "Create", 2: "Read", 3: "Update", 4: "Delete", 99: "Other"}
_PRODUCT = {"name": "irkit", "vendor_name": "irkit", "version": __version__}


def events(lines: Iterable[Line]) -> Iterator[dict[str, Any]]:
    """One OCSF event per line of the timeline."""
    for line in lines:
        if line.kind is Kind.FINDING:
            yield _finding(line)
        else:
            yield _activity(line) if line.kind is Kind.REQUEST else _other(line)


def _other(line: Line) -> dict[str, Any]:
    """What is neither has no class of its own: a Base Event, its kind under `unmapped`."""
    event = _base(line, 0, "Base Event", 99, "Other")
    event["metadata"]["log_name"] = str(line.kind)
    event["unmapped"] |= {"kind": str(line.kind), "actor": line.actor}
    return event


def _base(line: Line, class_uid: int, class_name: str, activity: int, name: str) -> dict[str, Any]:
    number, severity = _SEVERITIES[line.severity]
    category = {0: "Uncategorized", 2: "Findings", 6: "Application Activity"}[class_uid // 1000]
    return {
        "activity_id": activity,
        "activity_name": name,
        "category_uid": class_uid // 1000,
        "category_name": category,
        "class_uid": class_uid,
        "class_name": class_name,
        "type_uid": class_uid * 100 + activity,
        "type_name": f"{class_name}: {name}",
        "severity_id": number,
        "severity": severity,
        "time": _millis(line.at),
        "start_time": _millis(line.at),
        "end_time": _millis(line.until),
        "count": line.count,
        "message": line.what,
        "metadata": {"version": VERSION, "product": _PRODUCT, "log_name": "audit.k8s.io"},
        "unmapped": {"audit_ids": list(line.audit_ids), "source": line.source},
    }


def _activity(line: Line) -> dict[str, Any]:
    activity = 99 if line.verb not in _ACTIVITIES else _ACTIVITIES[line.verb]
    event = _base(line, 6003, "API Activity", activity, _NAMES[activity])
    event["actor"] = _actor(line)
    event["api"] = _api(line)
    # The address is required; where the log bears none, the client is named by what it says of itself.
    event["src_endpoint"] = {"ip": line.address} if line.address else {"name": line.agent or "unknown"}
    event["http_request"] = {"user_agent": line.agent, "url": {"path": line.uri.partition("?")[0] or "/"}}
    if line.name or line.resource:
        event["resources"] = [_resource(line)]
    if line.code:
        failed = line.code >= 400
        event |= {"status_id": 2 if failed else 1, "status": "Failure" if failed else "Success"}
        event["status_code"] = str(line.code)
    return event


def _api(line: Line) -> dict[str, Any]:
    api: dict[str, Any] = {"operation": f"{line.verb} {line.resource}".strip(), "service": {"name": "kube-apiserver"}}
    if line.audit_ids:
        api["request"] = {"uid": line.audit_ids[0]}
    return api | ({"response": {"code": line.code}} if line.code else {})


def _actor(line: Line) -> dict[str, Any]:
    return {"user": {"name": line.actor or "unknown"}}


def _resource(line: Line) -> dict[str, Any]:
    found = {"name": line.name or line.resource, "type": line.resource, "namespace": line.namespace}
    return {key: value for key, value in found.items() if value}


def _finding(line: Line) -> dict[str, Any]:
    rule = BY_ID[line.rule]
    event = _base(line, 2004, "Detection Finding", 1, "Create")
    event |= {"status_id": 1, "status": "New", "is_alert": True}
    event["finding_info"] = {
        "uid": _uid(line),
        "title": rule.title,
        "desc": line.what,
        "first_seen_time": _millis(line.at),
        "analytic": {"uid": rule.id, "name": rule.title, "type_id": 1, "type": "Rule"},
        "attacks": [_attack(technique) for technique in rule.techniques],
        "data_sources": ["audit.k8s.io"],
        "types": [rule.id],
    }
    event["evidences"] = [{"actor": _actor(line), "data": {"audit_ids": list(line.audit_ids)}}]
    if line.name or line.resource:
        event["resources"] = [_resource(line)]
    return event


def _uid(line: Line) -> str:
    """The same finding gets the same uid at every reading of the same log."""
    said = "\0".join((line.rule, line.actor, line.target, str(_millis(line.at))))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _attack(technique: str) -> dict[str, Any]:
    one = TECHNIQUES[technique]
    attack: dict[str, Any] = {
        "version": ATTACK,
        "technique": {"uid": one.id.partition(".")[0], "name": one.parent or one.name},
    }
    return attack | ({"sub_technique": {"uid": one.id, "name": one.name}} if one.parent else {})


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
