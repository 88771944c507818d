"""A cluster on which every change is a dry run, told as the difference that the API server says it would make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from irkit.cluster.protocol import Cluster, Json, Query, Reply, Stream
from irkit.errors import NotFound, Refused

# The server's own bookkeeping, which no one asked to change.
_NOISE = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid")


@dataclass(frozen=True, slots=True)
class Changed:
    """One field of one object: JSON text before and after, None where it is not there."""

    field: str  # metadata.labels.app
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """What one request would change. Only fields that change are named: others may hold what is nobody's business."""

    verb: str  # "create", "patch", "delete"
    path: str
    fields: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The cluster `inner`, read as it is; raises Refused for a change that is no dry run."""

    inner: Cluster
    told: list[Difference] = field(default_factory=list)

    @property
    def server(self) -> str:
        """Of the cluster itself."""
        return self.inner.server

    @property
    def context(self) -> str:
        """Of the cluster itself."""
        return self.inner.context

    def within(self, seconds: float) -> Cluster:
        """The same, with a deadline."""
        return Rehearsal(self.inner.within(seconds), self.told)

    def get(self, path: str, query: Query | None = None) -> Reply:
        """As it is."""
        return self.inner.get(path, query)

    def pages(self, path: str, query: Query | None = None) -> Iterator[Reply]:
        """As they are."""
        return self.inner.pages(path, query)

    def stream(self, path: str, query: Query | None = None) -> AbstractContextManager[Stream]:
        """As it is."""
        return self.inner.stream(path, query)

    def execute(self, path: str, command: Sequence[str], container: str) -> AbstractContextManager[Stream]:
        """Never: a command in a container cannot be rehearsed."""
        raise _earnest(path)

    def post(self, path: str, query: Query | None = None) -> Reply:
        """Never: what stands behind a proxy knows no dry run."""
        raise _earnest(path)

    def create(self, path: str, body: Json, *, dry_run: bool = False) -> Reply:
        """The object that would be made; questions that are asked by creating them change nothing."""
        if not dry_run and not path.endswith("reviews"):
            raise _earnest(path)
        reply = self.inner.create(path, body, dry_run=dry_run)
        return self._tell("create", path, {}, reply) if dry_run else reply

    def apply(self, path: str, body: Json, *, dry_run: bool = False) -> Reply:
        """The object as it would be."""
        return self._changed("apply", path, lambda: self.inner.apply(path, body, dry_run=_only(path, dry_run)))

    def patch(self, path: str, operations: Sequence[Json], *, dry_run: bool = False) -> Reply:
        """The object as it would be."""
        return self._changed("patch", path, lambda: self.inner.patch(path, operations, dry_run=_only(path, dry_run)))

    def delete(self, path: str, *, uid: str, resource_version: str | None = None, dry_run: bool = False) -> Reply:
        """What the server would answer."""
        _only(path, dry_run)
        before = self.inner.get(path).json()
        reply = self.inner.delete(path, uid=uid, resource_version=resource_version, dry_run=True)
        self.told.append(Difference("delete", path, differences(before, {})))
        return reply

    def _changed(self, verb: str, path: str, send: Callable[[], Reply]) -> Reply:
        before = self._before(path)
        return self._tell(verb, path, before, send())

    def _before(self, path: str) -> Json:
        try:
            return self.inner.get(path).json()
        except NotFound:
            return {}

    def _tell(self, verb: str, path: str, before: Json, reply: Reply) -> Reply:
        self.told.append(Difference(verb, path, differences(before, reply.json())))
        return reply


def differences(before: Json, after: Json) -> tuple[Changed, ...]:
    """The leaves that differ, in order of their names."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    return tuple(
        Changed(name, old.get(name), new.get(name)) for name in sorted(old | new) if old.get(name) != new.get(name)
    )


def _leaves(node: Any, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON of any shape
    if isinstance(node, dict) and node:
        for key, value in node.items():
            if not (name in ("", "metadata") and key in _NOISE):
                yield from _leaves(value, f"{name}.{key}" if name else key)
    elif isinstance(node, list) and node:
        for index, value in enumerate(node):
            yield from _leaves(value, f"{name}[{index}]")
    elif name:
        yield name, node


def _only(path: str, dry_run: bool) -> bool:
    if not dry_run:
        raise _earnest(path)
    return True


def _earnest(path: str) -> Refused:
    return Refused(f"a plan changes nothing, and this would not have been a dry run: {path}")
