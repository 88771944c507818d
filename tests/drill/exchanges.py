"""Requests whose answers are the same on the practice cluster and on a real one, but for ids and times."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Exchange:
    """One request. `{ns}` in path and body is the namespace of the test."""

    method: str
    path: str
    body: object = None
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        kind = "" if self.body is None else f" {self.media.removeprefix('application/')}"
        who = " ".join(f" {name}={value}" for name, value in self.headers.items())
        return f"{self.method} {self.path}{kind} {json.dumps(self.body) if self.body is not None else ''}{who}"


def _x(method: str, path: str, body: object = None, media: str = "application/json", **headers: str) -> Exchange:
    return Exchange(method, path, body, media, {name.replace("_", "-"): value for name, value in headers.items()})


NS = "/api/v1/namespaces/{ns}"
MAPS = f"{NS}/configmaps"
PODS = f"{NS}/pods"
NETPOL = "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies"
DEPLOY = "/apis/apps/v1/namespaces/{ns}/deployments"
SSAR = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
POLICY = {"metadata": {"name": "np"}, "spec": {"podSelector": {"matchLabels": {"a": "b"}}}}
POD = {"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {"nodeSelector": {"no": "node"}, "containers": [
    {"name": "app", "image": "docker.io/local/pause:1", "env": [{"name": "A", "value": "1"}]}]}}  # fmt: skip


def _map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def exchanges() -> Iterator[Exchange]:
    """All of them, in the order in which they must be sent."""
    yield from _refused_creations()
    yield from _creations()
    yield from _patches()
    yield from _applies()
    yield from _pods()
    yield from _lists()
    yield from _kinds()
    yield from _deletions()
    yield from _elsewhere()
    yield from _as_others()


def _creations() -> Iterator[Exchange]:
    yield _x("POST", MAPS, {"metadata": {"name": "cm", "labels": {"a": "b"}}, "data": {"k": "v"}})
    yield _x("POST", MAPS, {"metadata": {"name": "cm"}})
    yield _x("GET", f"{MAPS}/cm")
    yield _x("POST", f"{MAPS}?dryRun=All", {"metadata": {"name": "dry"}, "data": {"k": "v"}})
    yield _x("GET", f"{MAPS}/dry")
    yield _x("POST", MAPS, {"metadata": {"name": "unknown"}, "dat": 1})
    yield _x("POST", NETPOL, POLICY)
    yield _x("POST", f"{NS}/secrets", {"metadata": {"name": "s"}, "stringData": {"a": "b"}})
    yield _x("PUT", f"{MAPS}/cm", {"metadata": {"name": "cm"}, "data": {"k": "v2"}})
    yield _x("PUT", f"{MAPS}/cm", {"metadata": {"name": "cm", "resourceVersion": "1"}})
    yield _x("PUT", f"{MAPS}/cm", {"metadata": {"name": "other"}})
    yield _x("PUT", f"{MAPS}/absent", {"metadata": {"name": "absent"}})
    yield _x("PUT", MAPS, {"metadata": {"name": "cm"}})
    yield _x("POST", f"{MAPS}/cm", {"metadata": {"name": "cm"}})


def _refused_creations() -> Iterator[Exchange]:
    yield _x("POST", MAPS, {"metadata": {"name": "Bad_Name", "labels": {"a b": "b!!"}}})
    yield _x("POST", MAPS, {"metadata": {}})
    yield _x("POST", MAPS, {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}})
    yield _x("POST", MAPS, {"kind": "ConfigMap", "apiVersion": "v2", "metadata": {"name": "x"}})
    yield _x("POST", MAPS, {"metadata": {"name": "x", "namespace": "other"}})
    yield _x("POST", MAPS, "{}", "text/plain")
    yield _x("POST", f"{MAPS}?fieldValidation=Strict", {"metadata": {"name": "x"}, "dat": 1})
    yield _x("POST", f"{MAPS}?dryRun=Some", {"metadata": {"name": "x"}})
    yield _x("POST", f"{PODS}?fieldValidation=Strict", {"metadata": {"name": "p"}, "spec": {"foo": [1]}})
    yield _x("POST", PODS, {"metadata": {"name": "p"}, "spec": {}})
    yield _x("POST", "/api/v1/namespaces/absent-here/configmaps", {"metadata": {"name": "x"}})
    yield _x("POST", NETPOL, {"metadata": {"name": "n"}, "spec": {"podSelector": {}, "policyTypes": ["Sideways"]}})


def _patches() -> Iterator[Exchange]:
    cm = f"{MAPS}/cm"
    yield _x("PATCH", cm, [{"op": "test", "path": "/metadata/uid", "value": "x"}], JSON_PATCH)
    yield _x("PATCH", cm, [{"op": "remove", "path": "/metadata/nope"}], JSON_PATCH)
    yield _x("PATCH", cm, [{"op": "replace", "path": "/metadata/uid", "value": "x"}], JSON_PATCH)
    yield _x("PATCH", cm, [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}], JSON_PATCH)
    yield _x("PATCH", cm, [{"op": "bogus", "path": "/data/x", "value": "1"}], JSON_PATCH)
    yield _x("PATCH", cm, {"op": "add"}, JSON_PATCH)
    yield _x("PATCH", cm, [{"op": "add", "path": "/metadata/labels", "value": {"x": "bad value"}}], JSON_PATCH)
    yield _x("PATCH", cm, [{"op": "replace", "path": "/metadata/name", "value": "other"}], JSON_PATCH)
    yield _x("PATCH", cm, [{"op": "add", "path": "/data/j", "value": "1"}], JSON_PATCH)
    yield _x("PATCH", cm, {}, "application/json")
    yield _x("PATCH", cm, {"data": {"k": None, "z": "1"}}, MERGE)
    yield _x("PATCH", cm, {"metadata": {"resourceVersion": "1"}}, MERGE)
    yield _x("PATCH", cm, {"metadata": {"labels": {"p": "q"}}}, STRATEGIC)
    yield _x("PATCH", f"{MAPS}/absent", {"data": {}}, MERGE)
    yield _x("PATCH", cm, {"dat": {"x": "1"}}, MERGE)
    yield _x("PATCH", f"{cm}?fieldValidation=Strict", {"dat": {"x": "1"}}, MERGE)


def _applies() -> Iterator[Exchange]:
    cm, new = f"{MAPS}/cm", f"{MAPS}/new"
    yield _x("PATCH", cm, _map("cm", z="2"), APPLY)
    yield _x("PATCH", f"{cm}?fieldManager=me", _map("cm", z="2"), APPLY)
    yield _x("PATCH", f"{cm}?fieldManager=me&force=true", _map("cm", z="2"), APPLY)
    yield _x("PATCH", f"{cm}?fieldManager=me", _map("cm", y="2"), APPLY)
    yield _x("PATCH", f"{new}?fieldManager=me", _map("new", a="1", b="1"), APPLY)
    yield _x("PATCH", f"{new}?fieldManager=me", _map("new", a="1"), APPLY)
    yield _x("PATCH", f"{new}?fieldManager=you", _map("new", a="1"), APPLY)
    yield _x("PATCH", f"{new}?fieldManager=you", _map("new", a="2", c="3"), APPLY)
    yield _x("PATCH", f"{new}?fieldManager=me", _map("other", a="1"), APPLY)
    yield _x("PATCH", f"{NETPOL}/ap?fieldManager=me", {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "ap"},
        "spec": {"podSelector": {"matchLabels": {"q": "1"}}, "policyTypes": ["Ingress", "Egress"]}}, APPLY)  # fmt: skip


def _pods() -> Iterator[Exchange]:
    pod = f"{PODS}/p"
    yield _x("POST", PODS, POD)
    yield _x("PATCH", pod, {"spec": {"containers": [{"name": "app", "env": [{"name": "B", "value": "2"}]}]}}, STRATEGIC)
    yield _x("PATCH", pod, {"spec": {"containers": [{"name": "app", "image": "docker.io/local/busybox:1"}]}}, STRATEGIC)
    yield _x("PATCH", pod, {"metadata": {"labels": {"c": "d"}}, "status": {"phase": "Failed"}}, MERGE)
    yield _x("PATCH", pod, [{"op": "remove", "path": "/metadata/labels/a"}], JSON_PATCH)
    yield _x("GET", f"{pod}/log")
    yield _x("GET", f"{pod}/log?container=nope")
    yield _x("GET", f"{PODS}/absent/log")
    yield _x("GET", f"{PODS}?fieldSelector=status.phase%3DPending&limit=1")
    yield _x("GET", f"{PODS}?fieldSelector=status.phase%3DRunning")
    yield _x("DELETE", f"{pod}?dryRun=All")
    yield _x("DELETE", pod, {"preconditions": {"uid": "x"}})
    yield _x("DELETE", pod)
    yield _x("GET", pod)


def _lists() -> Iterator[Exchange]:
    yield _x("GET", f"{MAPS}?labelSelector=a%3Db")
    yield _x("GET", f"{MAPS}?labelSelector=p%20in%20(q,r)")
    yield _x("GET", f"{MAPS}?labelSelector=p%20notin%20(q)&fieldSelector=metadata.name%3Dnew")
    yield _x("GET", f"{MAPS}?fieldSelector=metadata.name%3Dcm")
    yield _x("GET", f"{MAPS}?limit=x")
    yield _x("GET", f"{MAPS}?fieldSelector=foo%3Dbar")
    yield _x("GET", f"{PODS}?fieldSelector=foo%3Dbar")
    yield _x("GET", f"{MAPS}?resourceVersion=abc")
    yield _x("GET", f"{MAPS}?resourceVersion=99999999")
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    yield _x("GET", f"{MAPS}/cm", accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
    yield _x("GET", f"{NETPOL}?includeObject=None", accept=table)


def _kinds() -> Iterator[Exchange]:
    """Objects whose defaults show."""
    port = {"name": "main", "port": 80}
    clusterless = {"metadata": {"name": "svc"}, "spec": {"clusterIP": "None", "selector": {"a": "b"}, "ports": [port]}}
    yield _x("POST", f"{NS}/services", clusterless)
    containers = [{"name": "app", "image": "docker.io/local/pause:1", "ports": [{"containerPort": 80}]}]
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}}
    spec = {
        "replicas": 0,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": {"a": "b"}},
        "template": template,
    }
    yield _x("POST", DEPLOY, {"metadata": {"name": "d"}, "spec": spec})
    yield _x("PATCH", f"{DEPLOY}/d", {"spec": {"selector": {"matchLabels": {"a": "c"}}}}, MERGE)
    yield _x("POST", f"{NS}/serviceaccounts", {"metadata": {"name": "sa"}})
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    yield _x(
        "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles", {"metadata": {"name": "r"}, "rules": rules}
    )
    subject = {"kind": "ServiceAccount", "name": "sa", "namespace": "{ns}"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    body = {"metadata": {"name": "r"}, "roleRef": role, "subjects": [subject]}
    yield _x("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings", body)
    about = {"kind": "Pod", "namespace": "{ns}", "name": "p"}
    yield _x(
        "POST", f"{NS}/events", {"metadata": {"name": "e"}, "involvedObject": about, "reason": "R", "message": "m"}
    )
    yield _x("GET", f"{NS}/events?fieldSelector=involvedObject.name%3Dp,reason%3DR")
    yield _x("PATCH", f"{NS}/services/svc", {"spec": {"ports": [{"port": 80, "name": "web"}]}}, STRATEGIC)
    yield _x("DELETE", f"{NS}/services/svc")
    yield _x("DELETE", f"{NS}/serviceaccounts/sa")


def _deletions() -> Iterator[Exchange]:
    cm = f"{MAPS}/cm"
    yield _x("DELETE", cm, {"preconditions": {"uid": "x"}})
    yield _x("DELETE", cm, {"preconditions": {"resourceVersion": "1"}})
    yield _x("DELETE", f"{NETPOL}/np", {"preconditions": {"uid": "x"}})
    yield _x("DELETE", f"{cm}?dryRun=All")
    yield _x("PATCH", cm, {"metadata": {"finalizers": ["example.com/hold"]}}, MERGE)
    yield _x("DELETE", cm)
    yield _x("PATCH", cm, {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}, MERGE)
    yield _x("PATCH", cm, {"metadata": {"finalizers": None}}, MERGE)
    yield _x("GET", cm)
    yield _x("DELETE", cm)
    yield _x("DELETE", f"{NETPOL}/np")
    yield _x("DELETE", f"{NS}/secrets/s")


def _elsewhere() -> Iterator[Exchange]:
    yield _x("GET", "/api/v1/foos")
    yield _x("GET", f"{PODS}/p/nope")
    yield _x("GET", "/apis/foo.example.com/v1/bars")
    yield _x("GET", "/nothing")
    yield _x("DELETE", "/version")
    yield _x("GET", "/readyz")
    yield _x("GET", f"{MAPS}/cm", accept="text/html")
    asked = {"verb": "list", "resource": "pods", "namespace": "{ns}"}
    yield _x("POST", SSAR, {"spec": {"resourceAttributes": asked}}, impersonate_user="bob")
    yield _x("POST", SSAR, {"spec": {}})


def _as_others() -> Iterator[Exchange]:
    yield _x("GET", MAPS, impersonate_user="bob")
    yield _x("GET", f"{PODS}/x/log", impersonate_user="bob")
    yield _x("DELETE", f"{NETPOL}/y", impersonate_user="bob")
    yield _x("GET", "/api/v1/nodes/x", impersonate_user="bob")
    yield _x("GET", "/metrics", impersonate_user="bob")
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    yield _x("POST", review, body, impersonate_user="bob", impersonate_group="ops")


_VOLATILE = (
    (re.compile(r'"description": ".*"'), '"description": "TOLD"'),
    (re.compile(r"kube-api-access-\w{5}"), "kube-api-access-NAME"),
    (re.compile(r"(pod updates may not change fields other than [^\\]*?negative\)).*"), r"\1"),
    (re.compile(r"patch: Invalid value: .*(strict decoding error.*)"), r"patch: \1"),
    (re.compile(r'"message": "Invalid value: .*apiVersion.*(strict decoding error.*)'), r'"message": \1'),
    (re.compile(r'"\d+s"'), '"AGE"'),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r'"resourceVersion": "\d+"'), '"resourceVersion": "N"'),
    (re.compile(r"current: \d+"), "current: N"),
    (re.compile(r"\(\d\d+\)"), "(N)"),
    (re.compile(r"ResourceVersion in record \(\d+\)"), "ResourceVersion in record (N)"),
)


def plain(body: bytes) -> str:
    """A body without what differs from one cluster to the next."""
    lines = [json.dumps(_answered(json.loads(line)), indent=1, sort_keys=True) for line in _documents(body)]
    text = "\n".join(lines)
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return text


def _answered(document: Any) -> Any:  # noqa: ANN401 - JSON
    """Nobody reads who owns the fields of a review."""
    if isinstance(document, dict) and document.get("kind") == "SelfSubjectAccessReview":
        return {**document, "metadata": {}}
    return document


def _documents(body: bytes) -> list[bytes]:
    try:
        json.loads(body)
    except ValueError:
        lines = body.splitlines()
        return lines if body.startswith(b"{") else [json.dumps(line.decode()).encode() for line in lines]
    return [body]
