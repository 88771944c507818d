"""Objects of one kind as they change: listed once, then watched, listed again where the past is forgotten (410)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json, Query
from irkit.cluster.resources import Resource
from irkit.errors import ClusterError, DeadlineExceeded, Gone, NotFound, Unreachable

WATCH = 240  # seconds that one watch lasts: proxies on the way end those that are silent for long
BOOKMARKS = {"watch": "1", "allowWatchBookmarks": "true"}

State = dict[str, Json]  # objects by uid


def states(cluster: Cluster, path: str, query: Query | None = None, *, seconds: int = WATCH) -> Iterator[State]:
    """What is there now, then again after every change, without end. The same dict each time, brought up to date.

    A silent watch is renewed from where it ended, after `seconds` or when the connection breaks, and then gives the
    state once more, unchanged. Raises ClusterError where it is refused, or nobody answers.
    """
    while True:
        seen: State = {}
        version = _list(cluster, path, query, seen)
        yield seen
        with suppress(Gone):
            for _ in _watches(cluster, path, query, version, seconds, seen):
                yield seen


def _list(cluster: Cluster, path: str, query: Query | None, seen: State) -> str:
    """The state filled; the resource version to watch from: the first page's, later ones show the same moment."""
    version = ""
    for page in cluster.pages(path, query):
        whole = page.json()
        version = version or str(part(whole, "metadata").get("resourceVersion") or "")
        seen.update({str(part(each, "metadata").get("uid")): each for each in whole.get("items") or []})
    return version


def _watches(
    cluster: Cluster, path: str, query: Query | None, version: str, seconds: int, seen: State
) -> Iterator[None]:
    """Watch after watch, `seen` brought up to date; yields after each change and after each watch."""
    while True:
        asked = {**(query or {}), **BOOKMARKS, "resourceVersion": version, "timeoutSeconds": str(seconds)}
        with cluster.stream(path, asked) as stream:
            # One that breaks or falls silent is no failure: the next goes on where it ended.
            with suppress(Unreachable, DeadlineExceeded):
                for event in events(stream):
                    version = _apply(event, seen) or version
                    if event.get("type") != "BOOKMARK":
                        yield
        yield


def _apply(event: Json, seen: State) -> str:
    """The event's resource version; raises Gone for an expired watch, ClusterError for any other error."""
    kind, found = event.get("type"), part(event, "object")
    metadata = part(found, "metadata")
    if kind == "ERROR":
        error = Gone if found.get("code") == 410 else ClusterError
        raise error(f"the watch ended: {found.get('message')}", status=int(found.get("code") or 0))
    if kind in ("ADDED", "MODIFIED"):
        seen[str(metadata.get("uid"))] = found
    elif kind == "DELETED":
        seen.pop(str(metadata.get("uid")), None)
    return str(metadata.get("resourceVersion") or "")


def events(chunks: Iterable[bytes]) -> Iterator[Json]:
    """The events of a watch; what is cut off at its end is no event."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines if line.strip())


def awaited(
    cluster: Cluster, resource: Resource, namespace: str, name: str, fits: Callable[[Json | None], bool], seconds: int
) -> Json | None:
    """One object as soon as it `fits` (None: it is not there), or as it is once `seconds` are over."""
    bounded, place = cluster.within(seconds), resource.path(namespace, name)
    query = {**BOOKMARKS, "fieldSelector": f"metadata.name={name}", "timeoutSeconds": str(seconds)}
    try:
        while not fits(found := _get(bounded, place)):
            version = part(found or {}, "metadata").get("resourceVersion")
            asked = {**query, "resourceVersion": str(version)} if version else query
            with suppress(Gone), bounded.stream(resource.path(namespace), asked) as stream:
                next((event for event in events(stream) if event.get("type") != "BOOKMARK"), None)
    except DeadlineExceeded:
        return _get(cluster, place)
    return found


def _get(cluster: Cluster, place: str) -> Json | None:
    try:
        return cluster.get(place).json()
    except NotFound:
        return None
