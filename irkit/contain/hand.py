"""The hand that changes the cluster: every change is announced before it is sent, and remembered once it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import Resource
from irkit.errors import Conflict
from irkit.model.isolation import Change

TRIES = 6  # a pod's status changes every few seconds, and each change moves its resourceVersion

T = TypeVar("T")


@dataclass(slots=True)
class Hand:
    """Writes to `cluster`; with `dry_run` the server checks every write and makes none, and nothing is announced."""

    cluster: Cluster
    before: Callable[[Change], None]
    dry_run: bool
    made: dict[tuple[str, str, str, str], Change] = field(default_factory=dict)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was made, in order; what a dry run tried again, once."""
        return tuple(self.made.values())

    def create(self, resource: Resource, body: Json, detail: str) -> Json:
        """The object as the server made it; raises AlreadyExists."""
        change = self._change("create", resource, body["metadata"], detail, body)
        reply = self.cluster.create(resource.path(change.namespace), body, dry_run=self.dry_run)
        return self._done(change, reply.json())

    def patch(
        self, resource: Resource, seen: Json, operations: list[Json], detail: str, *, subresource: str | None = None
    ) -> Json:
        """The object as the server changed it, if it still is as it was `seen`; else raises Conflict."""
        metadata = seen["metadata"]
        tests = [_op("test", f"/metadata/{key}", metadata.get(key)) for key in ("uid", "resourceVersion")]
        change = self._change("patch", resource, metadata, detail, [*tests, *operations])
        path = resource.path(change.namespace, change.name, subresource)
        return self._done(change, self.cluster.patch(path, change.body, dry_run=self.dry_run).json())

    def delete(self, resource: Resource, seen: Json, detail: str, *, as_seen: bool = True) -> None:
        """Delete the object that was `seen`, as it was or, without `as_seen`, whatever became of it since.

        Raises Conflict for any other.
        """
        metadata = seen["metadata"]
        change = self._change("delete", resource, metadata, detail, None)
        path, version = resource.path(change.namespace, change.name), metadata["resourceVersion"] if as_seen else None
        self.cluster.delete(path, uid=metadata["uid"], resource_version=version, dry_run=self.dry_run)
        self._done(change, {})

    def _change(self, action: str, resource: Resource, metadata: Json, detail: str, body: object) -> Change:
        home = metadata.get("namespace") or ""  # an object of the whole cluster has none
        change = Change(action, resource.kind, home, metadata["name"], detail, body)
        if not self.dry_run:
            self.before(change)
        return change

    def _done(self, change: Change, made: Json) -> Json:
        self.made[change.action, change.kind, change.name, change.detail] = change
        return made


def settled(attempt: Callable[[], T]) -> T:
    """What `attempt` returns once nobody comes in between; raises Conflict when somebody does every time."""
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except Conflict:
            continue
    return attempt()


def difference(path: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Json]:
    """JSON Patch operations that make the map at `path` from `before` into `after`; an empty map is none at all."""
    if before and not after:
        yield {"op": "remove", "path": path}
    elif after and not before:
        yield _op("add", path, dict(after))
    else:
        for key in sorted(before.keys() - after.keys()):
            yield {"op": "remove", "path": f"{path}/{_escaped(key)}"}
        for key, value in after.items():
            if before.get(key) != value:
                yield _op("add", f"{path}/{_escaped(key)}", value)


def _op(name: str, path: str, value: object) -> Json:
    return {"op": name, "path": path, "value": value}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
