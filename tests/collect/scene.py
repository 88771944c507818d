"""The scene: pod web of namespace shop and all around it, as routes of the tiny API server."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from irkit.collect.piece import Found
from irkit.model.evidence import Artifact, Gap
from irkit.model.pod import Target
from tests.collect.api import Query, Route, Says, no, ok

UID = "11111111-aaaa-4bbb-8ccc-222222222222"
TARGET = Target("shop", "web", UID, "node1", "Running", owner="ReplicaSet/web-6d9f", service_account="web")
SHOP = "/api/v1/namespaces/shop"
POD = f"{SHOP}/pods/web"
LOG = f"{POD}/log"
METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/web"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def owned_by(kind: str, name: str, group: str = "apps/v1", uid: str | None = None) -> dict[str, Any]:
    return {"apiVersion": group, "kind": kind, "name": name, "uid": uid or f"uid-of-{name}", "controller": True}


def thing(name: str, owner: dict[str, Any] | None = None, **more: object) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"uid-of-{name}"} | ({"ownerReferences": [owner]} if owner else {})
    return {"metadata": metadata, "fieldFromTheFuture": True, **more}


def pod(uid: str = UID, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    def runs(name: str, restarts: int) -> dict[str, Any]:
        return {"name": name, "restartCount": restarts, "image": "reg/app:1", "imageID": f"reg/app@sha256:{name}"}

    return {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": uid,
            "ownerReferences": [owner or owned_by("ReplicaSet", "web-6d9f")],
        },
        "spec": {
            "initContainers": [{"name": "setup", "image": "setup:1"}],
            "containers": [{"name": "app", "image": "app:1"}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            "ephemeralContainers": [{"name": "debugger", "image": "busybox"}],
            "fieldFromTheFuture": {"kept": True},
        },
        "status": {
            "initContainerStatuses": [runs("setup", 0)],
            "containerStatuses": [runs("app", 1)],
            "ephemeralContainerStatuses": [runs("debugger", 0)],
        },
    }


def log(query: Query) -> Says:
    name, previous = query["container"], query["previous"] == "true"
    if previous and name != "app":
        return no(400, "BadRequest", f'previous terminated container "{name}" in pod "web" not found')
    return Says([f"2026-01-01T00:00:00.000000000Z {name} {'before' if previous else 'now'}\n".encode()] * 3)


def binding(name: str, role: str, *subjects: dict[str, str], kind: str = "Role") -> dict[str, Any]:
    return thing(name, subjects=list(subjects), roleRef={"kind": kind, "name": role})


def routes(**changes: Route) -> dict[str, Route]:
    """Everything there; `changes` by the names below."""
    mine = {"kind": "ServiceAccount", "namespace": "shop", "name": "web"}
    foreign = {"kind": "ServiceAccount", "namespace": "bank", "name": "web"}
    everybody = {"kind": "Group", "name": "system:authenticated"}
    scene: dict[str, tuple[str, Route]] = {
        "pod": (POD, ok(pod())),
        "log": (LOG, log),
        "groups": ("/apis", ok({"kind": "APIGroupList", "groups": [{"name": "apps"}]})),
        "everywhere": ("/api/v1/pods", ok({"items": []})),
        "namespace": (SHOP, ok(thing("shop"))),
        "node": ("/api/v1/nodes/node1", ok(thing("node1"))),
        "events": (f"{SHOP}/events", ok({"items": [thing("pulled")]})),
        "services": (f"{SHOP}/services", ok({"items": [thing("web")]})),
        "slices": ("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices", ok({"items": []})),
        "policies": ("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies", ok({"items": []})),
        "replicaset": (
            "/apis/apps/v1/namespaces/shop/replicasets/web-6d9f",
            ok(thing("web-6d9f", owned_by("Deployment", "web"))),
        ),
        "deployment": ("/apis/apps/v1/namespaces/shop/deployments/web", ok(thing("web"))),
        "metrics": (METRICS, ok({"kind": "PodMetrics", "containers": []})),
        "claim": (f"{SHOP}/persistentvolumeclaims/data", ok(thing("data", spec={"volumeName": "pv-1"}))),
        "volume": ("/api/v1/persistentvolumes/pv-1", ok(thing("pv-1"))),
        "account": (f"{SHOP}/serviceaccounts/web", ok(thing("web"))),
        "bindings": (
            f"{RBAC}/namespaces/shop/rolebindings",
            ok({"items": [binding("mine", "reader", mine), binding("theirs", "writer", foreign)]}),
        ),
        "cluster_bindings": (
            f"{RBAC}/clusterrolebindings",
            ok({"items": [binding("all", "basic", everybody, kind="ClusterRole")]}),
        ),
        "role": (f"{RBAC}/namespaces/shop/roles/reader", ok(thing("reader", rules=[{"verbs": ["get"]}]))),
        "cluster_role": (f"{RBAC}/clusterroles/basic", ok(thing("basic", rules=[]))),
    }
    return {path: changes.get(name, route) for name, (path, route) in scene.items()}


def artifacts(found: Iterable[Found]) -> dict[str, Artifact]:
    return {each.path: each for each in found if isinstance(each, Artifact)}


def gaps(found: Iterable[Found]) -> dict[str, Gap]:
    return {each.target: each for each in found if isinstance(each, Gap)}


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
