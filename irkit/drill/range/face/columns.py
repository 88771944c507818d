"""The columns that `kubectl get` shows for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from irkit.drill.range.answer import Json
from irkit.drill.range.kinds.selectors import read
from irkit.times import parse

Cell = str | int
NONE = "<none>"


@dataclass(frozen=True)
class Column:
    """One column; those with a priority are shown by `-o wide` only."""

    name: str
    cell: Callable[[Json, datetime], Cell]
    priority: int = 0
    type: str = "string"


def _at(path: str, default: Cell = NONE) -> Callable[[Json, datetime], Cell]:
    return lambda obj, now: read(obj, path) or default


def _count(path: str) -> Callable[[Json, datetime], Cell]:
    return lambda obj, now: int(read(obj, path) or 0)


def _of(cell: Callable[[Json], Cell]) -> Callable[[Json, datetime], Cell]:
    return lambda obj, now: cell(obj)


def age(stamp: str | None, now: datetime) -> str:
    """How long ago, as kubectl says it: "45s", "12m", "3h5m", "2d"."""
    if not stamp:
        return "<unknown>"
    seconds = int((now - parse(stamp)).total_seconds())
    if seconds < 0:
        return "0s" if seconds > -2 else "<invalid>"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    scale = (
        (seconds < 120, f"{seconds}s"),
        (minutes < 10, f"{minutes}m{_more(seconds % 60, 's')}"),
        (minutes < 180, f"{minutes}m"),
        (hours < 8, f"{hours}h{_more(minutes % 60, 'm')}"),
        (hours < 48, f"{hours}h"),
        (hours < 192, f"{days}d{_more(hours % 24, 'h')}"),
        (days < 730, f"{days}d"),
    )
    return next((text for fits, text in scale if fits), f"{days // 365}y{_more(days % 365, 'd')}")


def _more(value: int, unit: str) -> str:
    return f"{value}{unit}" if value else ""


def _join(values: Iterable[Any]) -> str:
    return ",".join(str(value) for value in values) or NONE


def pairs(labels: Json | None) -> str:
    """Labels as `key=value,...`."""
    return _join(f"{key}={value}" for key, value in sorted((labels or {}).items()))


def _selector(selector: Json | None) -> str:
    terms = [f"{key}={value}" for key, value in sorted(((selector or {}).get("matchLabels") or {}).items())]
    for term in (selector or {}).get("matchExpressions") or []:
        values = ",".join(sorted(term.get("values") or []))
        terms.append(
            {"In": f"{term['key']} in ({values})", "NotIn": f"{term['key']} notin ({values})"}.get(
                term["operator"], term["key"] if term["operator"] == "Exists" else f"!{term['key']}"
            )
        )
    return ",".join(terms) or NONE


def _pod_status(pod: Json) -> str:
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for container in status.get("containerStatuses") or []:
        for state in ("waiting", "terminated"):
            if reason := ((container.get("state") or {}).get(state) or {}).get("reason"):
                return str(reason)
    return str(status.get("reason") or status.get("phase", ""))


def _ready(pod: Json) -> str:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return f"{sum(1 for each in statuses if each.get('ready'))}/{len(pod['spec']['containers'])}"


def _restarts(pod: Json, now: datetime) -> Cell:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for each in statuses]
    last = max(filter(None, ends), default=None)
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _template(path: str) -> Callable[[Json, datetime], Cell]:
    return lambda obj, now: _join(each.get(path, "") for each in obj["spec"]["template"]["spec"]["containers"])


def _replicas(obj: Json) -> str:
    return f"{(obj.get('status') or {}).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 1)}"


def _ports(service: Json) -> str:
    ports = service["spec"].get("ports") or []
    return _join(f"{_numbers(port)}/{port.get('protocol', 'TCP')}" for port in ports)


def _numbers(port: Json) -> str:
    return f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else str(port["port"])


def _roles(node: Json) -> str:
    prefix = "node-role.kubernetes.io/"
    return _join(sorted(key.removeprefix(prefix) for key in node["metadata"].get("labels") or {} if prefix in key))


def _node_status(node: Json) -> str:
    ready = next((c["status"] for c in (node.get("status") or {}).get("conditions") or [] if c["type"] == "Ready"), "")
    word = {"True": "Ready", "": "Unknown"}.get(ready, "NotReady")
    return f"{word},SchedulingDisabled" if node.get("spec", {}).get("unschedulable") else word


def _address(kind: str) -> Callable[[Json, datetime], Cell]:
    return lambda node, now: next(
        (a["address"] for a in node["status"].get("addresses", []) if a["type"] == kind), NONE
    )


def _subjects(kind: str) -> Callable[[Json, datetime], Cell]:
    def cell(binding: Json, now: datetime) -> str:
        found = [each for each in binding.get("subjects") or [] if each["kind"] == kind]
        return ", ".join(f"{s['namespace']}/{s['name']}" if s.get("namespace") else s["name"] for s in found)

    return cell


def _last_seen(event: Json, now: datetime) -> str:
    stamp = (event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return age(stamp, now)


def _involved(event: Json) -> str:
    return f"{event['involvedObject']['kind'].lower()}/{event['involvedObject']['name']}"


NAME = Column("Name", _at("metadata.name"))
AGE = Column("Age", lambda obj, now: age(obj["metadata"].get("creationTimestamp"), now))
_IMAGES = (Column("Containers", _template("name"), 1), Column("Images", _template("image"), 1))
_SELECTOR = Column("Selector", _of(lambda obj: _selector(obj["spec"].get("selector"))), 1)
_BINDING = (
    NAME,
    Column("Role", _of(lambda obj: f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}")),
    AGE,
    Column("Users", _subjects("User"), 1),
    Column("Groups", _subjects("Group"), 1),
    Column("ServiceAccounts", _subjects("ServiceAccount"), 1),
)
_ROLE = (NAME, Column("Created At", _at("metadata.creationTimestamp")))

COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": (
        NAME,
        Column("Ready", _of(_ready)),
        Column("Status", _of(_pod_status)),
        Column("Restarts", _restarts),
        AGE,
        Column("IP", _at("status.podIP"), 1),
        Column("Node", _at("spec.nodeName"), 1),
        Column("Nominated Node", _at("status.nominatedNodeName"), 1),
        Column("Readiness Gates", _of(lambda pod: NONE), 1),
    ),
    "deployments": (
        NAME,
        Column("Ready", _of(_replicas)),
        Column("Up-to-date", _count("status.updatedReplicas"), type="integer"),
        Column("Available", _count("status.availableReplicas"), type="integer"),
        AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "replicasets": (
        NAME,
        Column("Desired", _count("spec.replicas"), type="integer"),
        Column("Current", _count("status.replicas"), type="integer"),
        Column("Ready", _count("status.readyReplicas"), type="integer"),
        AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "statefulsets": (NAME, Column("Ready", _of(_replicas)), AGE, *_IMAGES),
    "daemonsets": (
        NAME,
        Column("Desired", _count("status.desiredNumberScheduled"), type="integer"),
        Column("Current", _count("status.currentNumberScheduled"), type="integer"),
        Column("Ready", _count("status.numberReady"), type="integer"),
        Column("Up-to-date", _count("status.updatedNumberScheduled"), type="integer"),
        Column("Available", _count("status.numberAvailable"), type="integer"),
        Column("Node Selector", _of(lambda obj: pairs(obj["spec"]["template"]["spec"].get("nodeSelector")))),
        AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "services": (
        NAME,
        Column("Type", _at("spec.type")),
        Column("Cluster-IP", _at("spec.clusterIP")),
        Column("External-IP", _of(lambda obj: _join(obj["spec"].get("externalIPs") or []))),
        Column("Port(s)", _of(_ports)),
        AGE,
        Column("Selector", _of(lambda obj: pairs(obj["spec"].get("selector"))), 1),
    ),
    "endpointslices": (
        NAME,
        Column("AddressType", _at("addressType")),
        Column("Ports", _of(lambda obj: _join(each.get("port", "*") for each in obj.get("ports") or []))),
        Column("Endpoints", _of(lambda obj: _join(e["addresses"][0] for e in obj.get("endpoints") or []))),
        AGE,
    ),
    "networkpolicies": (NAME, Column("Pod-Selector", _of(lambda obj: _selector(obj["spec"].get("podSelector")))), AGE),
    "nodes": (
        NAME,
        Column("Status", _of(_node_status)),
        Column("Roles", _of(_roles)),
        AGE,
        Column("Version", _at("status.nodeInfo.kubeletVersion")),
        Column("Internal-IP", _address("InternalIP"), 1),
        Column("External-IP", _address("ExternalIP"), 1),
        Column("OS-Image", _at("status.nodeInfo.osImage"), 1),
        Column("Kernel-Version", _at("status.nodeInfo.kernelVersion"), 1),
        Column("Container-Runtime", _at("status.nodeInfo.containerRuntimeVersion"), 1),
    ),
    "namespaces": (NAME, Column("Status", _at("status.phase")), AGE),
    "events": (
        Column("Last Seen", _last_seen),
        Column("Type", _at("type")),
        Column("Reason", _at("reason")),
        Column("Object", _of(_involved)),
        Column("Subobject", _at("involvedObject.fieldPath", ""), 1),
        Column("Source", _at("source.component", ""), 1),
        Column("Message", _of(lambda obj: str(obj.get("message", "")).strip())),
        Column("First Seen", lambda obj, now: age(obj.get("firstTimestamp") or obj.get("eventTime"), now), 1),
        Column("Count", _of(lambda obj: int(obj.get("count") or 1)), 1),
        Column("Name", _at("metadata.name"), 1),
    ),
    "configmaps": (
        NAME,
        Column("Data", _of(lambda obj: len(obj.get("data") or {}) + len(obj.get("binaryData") or {}))),
        AGE,
    ),
    "secrets": (
        NAME,
        Column("Type", _at("type")),
        Column("Data", _of(lambda obj: len(obj.get("data") or {})), type="integer"),
        AGE,
    ),
    "serviceaccounts": (NAME, AGE),
    "roles": _ROLE,
    "clusterroles": _ROLE,
    "rolebindings": _BINDING,
    "clusterrolebindings": _BINDING,
    "poddisruptionbudgets": (
        NAME,
        Column("Min Available", _at("spec.minAvailable", "N/A")),
        Column("Max Unavailable", _at("spec.maxUnavailable", "N/A")),
        Column("Allowed Disruptions", _count("status.disruptionsAllowed"), type="integer"),
        AGE,
    ),
}
