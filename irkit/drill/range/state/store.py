"""Objects, revisions and history: what etcd is to a real cluster."""

from __future__ import annotations

import copy
import random
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from irkit.drill.range.answer import Json
from irkit.drill.range.kinds.table import Kind, named
from irkit.times import Clock

_MEMORY = 20_000  # changes remembered; the older half is forgotten when there are more

Key = tuple[str, str]  # namespace ("" for none), name


@dataclass(frozen=True)
class Change:
    """One revision: `before` is None for a creation, `after` is None for a removal."""

    revision: int
    kind: Kind
    key: Key
    before: Json | None
    after: Json | None
    last: Json  # the object as a watcher sees it, a removed one with its final revision


class Store:
    """Every object, by kind and key. What is stored is never changed in place: take a copy, change it, put it.

    Thread-safe, so that a test may reach in while the server runs.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock, self.rng = clock, rng
        self.revision = 1000
        self.compacted = 0
        self.history: list[Change] = []
        self.lock = threading.RLock()
        self._objects: dict[Kind, dict[Key, Json]] = {}
        self._watchers: set[Callable[[Change], None]] = set()

    def uid(self) -> str:
        """A new uid."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def time(self) -> str:
        """The present, as objects carry it."""
        return self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")

    def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """The object; None where there is none."""
        return self._objects.get(kind, {}).get((namespace, name))

    def all(self, kind: Kind, namespace: str = "") -> list[Json]:
        """The objects of a kind, in a namespace or in all, in the order of a list."""
        with self.lock:
            found = self._objects.get(kind, {})
            return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def find(self, kind: str, name: str, namespace: str = "", api_version: str = "v1") -> Json:
        """The object that a test means; raises KeyError where there is none."""
        return self._objects[named(api_version, kind)][namespace, name]

    def everything(self, kind: str, api_version: str = "v1") -> list[Json]:
        """All objects of the kind that a manifest names."""
        return self.all(named(api_version, kind))

    def past(self, kind: Kind, revision: int) -> dict[Key, Json]:
        """The objects of `kind` as they were at `revision`."""
        with self.lock:
            objects = dict(self._objects.get(kind, {}))
            for change in reversed(self.history):
                if change.revision <= revision:
                    break
                if change.kind == kind and change.before is None:
                    objects.pop(change.key, None)
                elif change.kind == kind and change.before is not None:
                    objects[change.key] = change.before
            return objects

    def since(self, revision: int) -> list[Change]:
        """The changes after `revision`."""
        with self.lock:
            return [change for change in self.history if change.revision > revision]

    def put(self, kind: Kind, obj: Json) -> Json:
        """Store `obj` under a new revision; returns what is stored."""
        with self.lock:
            stored = copy.deepcopy(obj)
            meta = stored["metadata"]
            self.revision += 1
            meta["resourceVersion"] = str(self.revision)
            key = (meta.get("namespace", ""), meta["name"])
            before = self.get(kind, *key)
            self._objects.setdefault(kind, {})[key] = stored
            self._note(Change(self.revision, kind, key, before, stored, stored))
            return stored

    def remove(self, kind: Kind, obj: Json) -> Json:
        """Remove `obj`; returns it as it was last, with the revision of its removal."""
        with self.lock:
            meta = obj["metadata"]
            key = (meta.get("namespace", ""), meta["name"])
            before = self._objects[kind].pop(key)
            self.revision += 1
            last = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.revision)}}
            self._note(Change(self.revision, kind, key, before, None, last))
            return last

    def seed(self, objects: Iterable[Json]) -> None:
        """Put objects as they are, unknown fields included; a missing uid or creation time is filled in."""
        for obj in objects:
            meta = {"uid": self.uid(), "creationTimestamp": self.time(), **obj["metadata"]}
            self.put(named(obj["apiVersion"], obj["kind"]), {**obj, "metadata": meta})

    def compact(self) -> None:
        """Forget the past: continue tokens and watches from before now are too old (410)."""
        with self.lock:
            self.revision += 1
            self.compacted = self.revision
            self.history.clear()

    def watch(self, watcher: Callable[[Change], None]) -> Callable[[], None]:
        """Call `watcher` at each change, in order, until the returned function is called."""
        self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    def _note(self, change: Change) -> None:
        self.history.append(change)
        if len(self.history) > _MEMORY:
            forgotten = len(self.history) - _MEMORY // 2
            self.compacted = self.history[forgotten - 1].revision
            del self.history[:forgotten]
        for watcher in tuple(self._watchers):
            watcher(change)
