"""As much OpenAPI v3 as kubectl reads before it applies: which kinds take `dryRun` and `fieldValidation`."""

from __future__ import annotations

from irkit.drill.range.answer import Json
from irkit.drill.range.kinds.table import Kind, discovery, kinds

_ROOT = "/openapi/v3"


def document(path: str) -> Json | None:
    """The index, or the document of one group version; None where there is none."""
    served = {_where(group_version): group_version for group_version in discovery()}
    if path == _ROOT:
        return {"paths": {where: {"serverRelativeURL": f"{_ROOT}/{where}?hash=practice"} for where in served}}
    group_version = served.get(path.removeprefix(f"{_ROOT}/"))
    if group_version is None:
        return None
    listed = [kind for kind in kinds() if kind.api_version == group_version]
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.37.2"},
        "paths": {_path(kind): _operations(kind) for kind in listed},
        "components": {"schemas": {}},
    }


def _where(group_version: str) -> str:
    return f"apis/{group_version}" if "/" in group_version else f"api/{group_version}"


def _path(kind: Kind) -> str:
    middle = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"/{_where(kind.api_version)}{middle}/{kind.plural}/{{name}}"


def _operations(kind: Kind) -> Json:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    operation = {
        "operationId": f"patch{kind.kind}",
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
    }
    return {"patch": operation}
