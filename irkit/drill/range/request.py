"""What a path and a method ask for, by the rules of the API server's RequestInfo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_TRUE = ("true", "1", "")


@dataclass(frozen=True)
class Ask:
    """One request, understood. `resource` is "" for paths that are no resource, such as /version."""

    verb: str
    path: str
    query: Mapping[str, str]
    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""  # what follows a proxy subresource

    def flag(self, name: str) -> bool:
        """Whether the query says `name=true`."""
        return name in self.query and self.query[name] in _TRUE


def understand(method: str, raw_path: str, query: Mapping[str, str]) -> Ask:
    """The request that `method` on `raw_path` (still percent-encoded) is."""
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    core = parts[0] == "api"
    head, parts = (parts[: 2 if core else 3], parts[2 if core else 3 :]) if parts[0] in ("api", "apis") else ([], [])
    if not parts:
        return Ask(method.lower(), unquote(raw_path), query)
    namespace = parts[1] if parts[0] == "namespaces" and len(parts) > 1 else ""
    if namespace and len(parts) > 2 and parts[2] not in ("status", "finalize"):
        parts = parts[2:]
    resource, name, subresource, *rest = [*parts, "", "", ""][: max(len(parts), 3)]
    return Ask(
        _verb(method, name, query),
        unquote(raw_path),
        query,
        "" if core else head[1],
        head[-1],
        resource,
        namespace,
        name,
        subresource,
        "/".join(rest),
    )


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method in ("GET", "HEAD") and query.get("watch", "false") in _TRUE:
        return "watch"
    if method in ("GET", "HEAD") and not name:
        return "list"
    if method == "DELETE" and not name:
        return "deletecollection"
    return _VERBS.get(method, method.lower())
