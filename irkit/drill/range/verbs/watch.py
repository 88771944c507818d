"""watch: the stream of changes, with bookmarks, and 410 for a past that is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

from irkit.drill.range.answer import Answer, Json, encode, expired
from irkit.drill.range.kinds.selectors import Test
from irkit.drill.range.state.store import Change
from irkit.drill.range.verbs.call import Call, number, revision
from irkit.drill.range.verbs.read import negotiated, partial, presenter, selected

_BOOKMARK = 60.0  # seconds
_WATCH = 1800  # seconds, when the client names no timeout
_BEAT = 0.2  # seconds between looks at whether the range is closing
_SYNTHETIC = ("", "0")


def watch(call: Call) -> Answer:
    """The stream. As on a real server it is 200 even where its only event is an ERROR."""
    at, test, show = revision(call), selected(call), presenter(call)
    fresh = call.ask.query.get("resourceVersion", "") in _SYNTHETIC or call.ask.flag("sendInitialEvents")
    if not fresh and at < call.store.compacted:
        status = expired(f"too old resource version: {at} ({call.store.compacted})").status()
        return Answer(200, stream=_once(_line("ERROR", status)))
    return Answer(200, stream=_events(call, None if fresh else at, test, show))


async def _once(line: bytes) -> AsyncIterator[bytes]:
    yield line


async def _events(call: Call, at: int | None, test: Test, show: Callable[[Json], Json]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Change] = asyncio.Queue()
    with call.store.lock:
        unwatch = call.store.watch(lambda change: _post(loop, queue, change))
        revision_now = call.store.revision
        first = list(_first(call, at, test, show))
    try:
        for line in first:
            yield line
        end = loop.time() + (number(call, "timeoutSeconds") or _WATCH)
        mark = loop.time() + _BOOKMARK
        while loop.time() < end and not call.world.closing:
            try:
                change = await asyncio.wait_for(queue.get(), max(0.0, min(_BEAT, end - loop.time())))
            except TimeoutError:
                change = None
            if change is not None and change.revision > revision_now:
                for line in _told(call, change, test, show):
                    yield line
            if call.ask.flag("allowWatchBookmarks") and loop.time() >= mark:
                mark = loop.time() + _BOOKMARK
                yield _bookmark(call, {})
        if call.ask.flag("allowWatchBookmarks") and not call.world.closing:
            yield _bookmark(call, {})
    finally:
        unwatch()


def _post(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[Change], change: Change) -> None:
    loop.call_soon_threadsafe(queue.put_nowait, change)


def _first(call: Call, at: int | None, test: Test, show: Callable[[Json], Json]) -> Iterator[bytes]:
    if at is not None:
        for change in call.store.since(at):
            yield from _told(call, change, test, show)
        return
    for obj in call.store.all(call.kind, call.ask.namespace):
        if test(obj) and _named(call, obj):
            yield _line("ADDED", show(obj))
    if call.ask.flag("sendInitialEvents"):
        yield _bookmark(call, {"annotations": {"k8s.io/initial-events-end": "true"}})


def _named(call: Call, obj: Json) -> bool:
    return not call.ask.name or obj["metadata"]["name"] == call.ask.name


def _told(call: Call, change: Change, test: Test, show: Callable[[Json], Json]) -> Iterator[bytes]:
    here = change.kind == call.kind and (not call.ask.namespace or change.key[0] == call.ask.namespace)
    if not here or not _named(call, change.last):
        return
    was = change.before is not None and test(change.before)
    now = change.after is not None and test(change.after)
    if was or now:
        yield _line("MODIFIED" if was and now else "ADDED" if now else "DELETED", show(change.last))


def _bookmark(call: Call, extra: Json) -> bytes:
    meta = {"resourceVersion": str(call.store.revision), **extra}
    if negotiated(call) == "PartialObjectMetadata":
        return _line("BOOKMARK", partial({"metadata": meta}))
    return _line("BOOKMARK", {"kind": call.kind.kind, "apiVersion": call.kind.api_version, "metadata": meta})


def _line(event: str, obj: Json) -> bytes:
    return encode({"type": event, "object": obj})
