"""What a client finds out before it asks for anything: versions, groups, resources, health."""

from __future__ import annotations

from irkit.drill.range.answer import Answer, Json
from irkit.drill.range.face import openapi
from irkit.drill.range.kinds.table import discovery

VERSION: Json = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.2",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.26.8",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_HEALTH = ("/readyz", "/livez", "/healthz")


def found(path: str) -> Answer | None:
    """The answer at a path that is no resource; None where there is nothing."""
    if path in _HEALTH:
        return Answer(200, text="ok", media="text/plain")
    body = _body(path.rstrip("/") or "/")
    return Answer(200, body) if body is not None else None


def _body(path: str) -> Json | None:
    if path == "/version":
        return VERSION
    if path == "/":
        return {"paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _groups()]}
    if path.startswith("/openapi/v3"):
        return openapi.document(path)
    if path.removeprefix("/apis/") in _groups():
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(path.removeprefix("/apis/"))}
    group_version = path.removeprefix("/apis/").removeprefix("/api/")
    entries = discovery().get(group_version)
    if entries is None or ("/" in group_version) is path.startswith("/api/"):
        return None
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}


def _groups() -> dict[str, str]:
    return dict(name.split("/") for name in discovery() if "/" in name)


def _group(name: str) -> Json:
    version = {"groupVersion": f"{name}/{_groups()[name]}", "version": _groups()[name]}
    return {"name": name, "versions": [version], "preferredVersion": version}
