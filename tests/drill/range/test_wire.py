"""Protobuf bodies, as kubectl's typed clients send them; discovery; paths."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.drill.range.answer import ApiFailure
from irkit.drill.range.kinds import wire
from irkit.drill.range.request import understand
from tests.drill.client import Client

PROTOBUF = "application/vnd.kubernetes.protobuf"


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value % (1 << 64))
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    return wire.MAGIC + field(1, field(1, api_version) + field(2, kind)) + field(2, raw)


def test_a_secret_is_read_with_its_bytes(api: Client) -> None:
    raw = field(1, field(1, "s") + field(11, field(1, "a") + field(2, "b"))) + field(
        2, field(1, "k") + field(2, b"\xff")
    )
    said = api.send("POST", api.path("Secret"), body("v1", "Secret", raw), media=PROTOBUF)
    assert said.status == 201
    assert said.json["data"] == {"k": base64.b64encode(b"\xff").decode()}
    assert said.json["metadata"]["labels"] == {"a": "b"}


def test_fields_of_a_message_without_a_name_are_lifted() -> None:
    empty_dir, host_path = field(2, b""), field(1, field(1, "/etc"))
    volumes = field(1, field(1, "tmp") + field(2, empty_dir)) + field(1, field(1, "host") + field(2, host_path))
    probe = field(10, field(1, field(2, field(1, "/healthz") + field(2, field(1, 0) + field(2, 8080)))) + field(2, 5))
    limits = field(8, field(1, field(1, "memory") + field(2, field(1, "64Mi"))))
    container = field(2, field(1, "app") + probe + limits + field(16, 0))
    parsed = wire.parse(body("v1", "Pod", field(1, field(1, "p")) + field(2, volumes + container)))
    assert parsed["spec"]["volumes"] == [
        {"name": "tmp", "emptyDir": {}},
        {"name": "host", "hostPath": {"path": "/etc"}},
    ]
    (app,) = parsed["spec"]["containers"]
    assert app["livenessProbe"] == {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 5}
    assert app["resources"] == {"limits": {"memory": "64Mi"}}
    assert "stdin" not in app


def test_numbers_times_and_names_of_ports_are_read() -> None:
    port = field(1, field(3, 80) + field(4, field(1, 1) + field(3, "main")))
    service = wire.parse(
        body("v1", "Service", field(1, field(1, "s") + field(8, field(1, 1_800_000_000))) + field(2, port))
    )
    assert service["metadata"]["creationTimestamp"] == "2027-01-15T08:00:00Z"
    assert service["spec"]["ports"] == [{"port": 80, "targetPort": "main"}]
    replicas = wire.parse(body("apps/v1", "Deployment", field(2, field(1, 0) + field(5, 0))))
    assert replicas["spec"] == {"replicas": 0}
    negative = wire.parse(body("v1", "Event", field(8, -3) + field(6, field(1, -62135596800))))
    assert negative == {"apiVersion": "v1", "kind": "Event", "count": -3}


@given(st.binary(max_size=60))
def test_rubbish_is_refused_or_read_but_never_breaks(raw: bytes) -> None:
    for given_body in (raw, wire.MAGIC + raw, body("v1", "Pod", raw)):
        try:
            assert wire.parse(given_body)["kind"]
        except ApiFailure as refused:
            assert refused.code == 400


def test_discovery_lists_what_is_served(api: Client) -> None:
    groups = [group["name"] for group in api.get("/apis").json["groups"]]
    assert {"apps", "networking.k8s.io", "rbac.authorization.k8s.io"} <= set(groups)
    pods = next(entry for entry in api.get("/api/v1").json["resources"] if entry["name"] == "pods")
    assert (pods["kind"], pods["shortNames"], "watch" in pods["verbs"]) == ("Pod", ["po"], True)
    assert api.get("/apis/apps").json["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert api.get("/api").json["versions"] == ["v1"]
    assert api.get("/").json["paths"][0] == "/api"
    for root in api.get("/openapi/v3").json["paths"].values():
        document = api.get(root["serverRelativeURL"].partition("?")[0]).json
        assert document["openapi"] == "3.0.0"
    absent = ("/openapi/v3/apis/nope/v1", "/apis/nope", "/api/apps/v1", "/apis/v1")
    assert {api.get(path).status for path in absent} == {404}


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/api/v1/pods", ("list", "", "v1", "pods", "", "", "")),
        ("GET", "/api/v1/namespaces/a/pods/b/log", ("get", "", "v1", "pods", "a", "b", "log")),
        ("GET", "/api/v1/namespaces/a", ("get", "", "v1", "namespaces", "a", "a", "")),
        ("PUT", "/api/v1/namespaces/a/finalize", ("update", "", "v1", "namespaces", "a", "a", "finalize")),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/a/deployments",
            ("deletecollection", "apps", "v1", "deployments", "a", "", ""),
        ),
        ("GET", "/api/v1/namespaces/a/pods/b%2Fc", ("get", "", "v1", "pods", "a", "b/c", "")),
        ("GET", "/version", ("get", "", "", "", "", "", "")),
    ],
)
def test_a_path_is_understood(method: str, path: str, told: tuple[str, ...]) -> None:
    ask = understand(method, path, {})
    assert (ask.verb, ask.group, ask.version, ask.resource, ask.namespace, ask.name, ask.subresource) == told
