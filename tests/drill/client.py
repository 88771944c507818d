"""A plain HTTP client: what the range says on the wire, nothing added."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
VICTIM = "web-6d9f7c5b8-x2x7k"
_PLACES = {
    "Namespace": "/api/v1/namespaces",
    "Node": "/api/v1/nodes",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
}


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class Client:
    def __init__(self, url: str, token: str = "", namespace: str = "default") -> None:
        self.url, self.namespace = url, namespace
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(retries=False, timeout=10)

    def path(self, kind: str, name: str = "", below: str = "") -> str:
        return "/".join(filter(None, (_PLACES[kind].format(self.namespace), name, below)))

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        media: str = "application/json",
        query: Mapping[str, object] | None = None,
        **headers: str,
    ) -> Said:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**self.headers, **({"Content-Type": media} if raw is not None else {}), **sent}
        answer = self._pool.request(method, self._url(path, query or {}), body=raw, headers=sent)
        return Said(answer.status, answer.headers, answer.data)

    def get(self, path: str, **query: object) -> Said:
        return self.send("GET", path, query=query)

    def read(self, kind: str, name: str) -> Any:  # noqa: ANN401 - JSON
        said = self.get(self.path(kind, name))
        assert said.status == 200, said.body
        return said.json

    def names(self, kind: str, **query: object) -> list[str]:
        return [item["metadata"]["name"] for item in self.get(self.path(kind), **query).json["items"]]

    def create(self, kind: str, name: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        meta: dict[str, object] = {"name": name}
        meta |= {key: body.pop(key) for key in ("labels", "finalizers") if key in body}
        said = self.send("POST", self.path(kind), {"metadata": meta, **body})
        assert said.status == 201, said.body
        return said.json

    def patch(self, kind: str, name: str, patch: object, media: str, **query: object) -> Said:
        return self.send("PATCH", self.path(kind, name), patch, media=media, query=query)

    def lines(self, path: str, **query: object) -> Generator[bytes]:
        """The lines of a stream as they come; closing the iterator closes the stream."""
        url = self._url(path, query)
        answer = self._pool.request("GET", url, headers=self.headers, preload_content=False)
        try:
            buffer = b""
            for chunk in answer.stream(1 << 16):
                *whole, buffer = (buffer + chunk).split(b"\n")
                yield from whole
        finally:
            answer.close()

    def _url(self, path: str, query: Mapping[str, object]) -> str:
        return f"{self.url}{path}?{urlencode(query)}" if query else f"{self.url}{path}"

    def close(self) -> None:
        self._pool.clear()


def pod(*names: str, **spec: object) -> dict[str, object]:
    """The spec of a pod with these containers."""
    return {"containers": [{"name": name, "image": f"registry.example.com/{name}:1"} for name in names], **spec}
