"""What the API server writes into new objects: the defaults of their fields, and what admission adds afterwards."""

from __future__ import annotations

from irkit.drill.range.answer import Json
from irkit.drill.range.kinds.table import Kind
from irkit.drill.range.state.store import Store
from irkit.drill.range.state.workloads import tail

_CONTAINER = {
    "imagePullPolicy": "IfNotPresent",
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_POD = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_ADMITTED = {"preemptionPolicy": "PreemptLowerPriority", "priority": 0}
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_TOLERATIONS = [
    {"effect": "NoExecute", "key": f"node.kubernetes.io/{what}", "operator": "Exists", "tolerationSeconds": 300}
    for what in ("not-ready", "unreachable")
]
_ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
_SPECS: dict[str, Json] = {
    "Service": {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"},
    "Deployment": {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": _ROLLING},
    "ReplicaSet": {"replicas": 1},
    "StatefulSet": {"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10},
}
_STATUS: dict[str, Json] = {
    "Namespace": {"phase": "Active"},
    "Pod": {"phase": "Pending", "qosClass": "BestEffort"},
    "Service": {"loadBalancer": {}},
    "Deployment": {},
    "ReplicaSet": {"replicas": 0},
    "StatefulSet": {"replicas": 0},
}
_EVENT: Json = {"eventTime": None, "firstTimestamp": None, "lastTimestamp": None, "reportingComponent": "",
          "reportingInstance": "", "source": {}}  # fmt: skip


def status(kind: Kind) -> Json | None:
    """The status of a new object; None for a kind without one."""
    return _STATUS.get(kind.kind)


def defaulted(kind: Kind, obj: Json) -> Json:
    """`obj` with the defaults of the fields that its author left out; they count as the author's."""
    spec = {**_SPECS.get(kind.kind, {}), **(obj.get("spec") or {})}
    if kind.kind == "Pod" and obj.get("spec"):
        return {**obj, "spec": {"enableServiceLinks": True, **_pod(spec)}}
    if kind.kind == "Namespace":
        labels = {**(obj["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": obj["metadata"]["name"]}
        return {**obj, "metadata": {**obj["metadata"], "labels": labels}, "spec": {"finalizers": ["kubernetes"]}}
    if kind.kind == "NetworkPolicy":
        types = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        return {**obj, "spec": {**spec, "policyTypes": spec.get("policyTypes") or types}}
    if kind.kind == "Secret":
        return {**obj, "type": obj.get("type") or "Opaque"}
    if kind.kind not in _SPECS:
        return obj
    if kind.kind == "Service":
        ports = [{"protocol": "TCP", "targetPort": port.get("port"), **port} for port in spec.get("ports") or []]
        spec |= {"ports": ports} if ports else {}
    elif (spec.get("template") or {}).get("spec"):
        spec["template"] = {**spec["template"], "spec": _pod(spec["template"]["spec"])}
    return {**obj, "spec": spec}


def _pod(given: Json) -> Json:
    groups = {
        group: [_container(each) for each in given[group]]
        for group in ("containers", "initContainers")
        if isinstance(given.get(group), list)
    }
    return {**_POD, **given, **groups}


def _container(given: Json) -> Json:
    ports = {"ports": [{"protocol": "TCP", **port} for port in given["ports"]]} if given.get("ports") else {}
    return {**_CONTAINER, **given, **ports}


def admitted(kind: Kind, obj: Json, store: Store) -> Json:
    """`obj` with what is nobody's: a pod's account and token, a service's address, an event's empty fields."""
    if kind.kind == "Event":
        return {**_EVENT, **obj}
    if kind.kind == "Service":
        return {**obj, "spec": _address(store) | obj["spec"] | _addresses(obj["spec"])}
    if kind.kind != "Pod":
        return obj
    account = obj["spec"].get("serviceAccountName") or "default"
    spec = {**_ADMITTED, "tolerations": _TOLERATIONS, **obj["spec"]}
    spec |= {"serviceAccount": account, "serviceAccountName": account}
    return {**obj, "spec": _with_token(spec, tail(store)) if spec.get("automountServiceAccountToken", True) else spec}


def _address(store: Store) -> Json:
    address = f"10.96.{store.rng.randrange(1, 250)}.{store.rng.randrange(2, 250)}"
    return {"clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}


def _addresses(spec: Json) -> Json:
    return {"clusterIPs": [spec["clusterIP"]]} if spec.get("clusterIP") else {}


def _with_token(spec: Json, mark: str) -> Json:
    name, field = f"kube-api-access-{mark}", {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    mount = {"name": name, "mountPath": _TOKEN_PATH, "readOnly": True}
    mounted: Json = {
        group: [{**each, "volumeMounts": [*each.get("volumeMounts", []), mount]} for each in spec[group]]
        for group in ("containers", "initContainers")
        if group in spec
    }
    volume = {"name": name, "projected": {"defaultMode": 420, "sources": sources}}
    return {**spec, **mounted, "volumes": [*spec.get("volumes", []), volume]}
