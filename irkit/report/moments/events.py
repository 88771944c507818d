"""Moments from `events/*.json`: core/v1 Event lists, and the events.k8s.io/v1 names of the same fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from irkit.model.run import Moment
from irkit.report import figures
from irkit.report.moments.source import UNREADABLE, Skipped, instant, load


class _Object(msgspec.Struct):
    kind: str | None = None
    name: str | None = None


class _Source(msgspec.Struct):
    component: str | None = None
    host: str | None = None


class _Series(msgspec.Struct, rename="camel"):
    count: int | None = None
    last_observed_time: str | None = None


class _Meta(msgspec.Struct, rename="camel"):
    creation_timestamp: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    metadata: _Meta | None = None
    involved_object: _Object | None = None
    regarding: _Object | None = None
    reason: str | None = None
    message: str | None = None
    note: str | None = None
    type: str | None = None
    source: _Source | None = None
    reporting_component: str | None = None
    reporting_controller: str | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    deprecated_first_timestamp: str | None = None
    deprecated_last_timestamp: str | None = None
    event_time: str | None = None
    count: int | None = None
    deprecated_count: int | None = None
    series: _Series | None = None


class _List(msgspec.Struct):
    items: list[msgspec.Raw] = []


def moments(data: Path) -> Iterator[Moment | Skipped]:
    """The first and, of a repeated event, the last occurrence of every event collected."""
    for path in sorted((data / "events").glob("*.json")):
        ref = f"events/{path.name}"
        try:
            items = load(path, _List).items
        except UNREADABLE:
            yield Skipped(ref)
            continue
        for item in items:
            try:
                yield from _event(msgspec.json.decode(item, type=_Event), ref)
            except UNREADABLE:
                yield Skipped(ref)


def _event(event: _Event, ref: str) -> list[Moment]:
    first, last = _instants(event)
    series = event.series or _Series()
    times = series.count or event.count or event.deprecated_count or 1
    severity = "info" if event.type == "Normal" else "low"
    what = f"{event.reason or 'event'}: {event.message or event.note or ''}{_about(event)}"
    if times < 2 or last <= first:
        return [Moment(first, "event", _actor(event), what, severity, ref)]
    often = f"{what} (first of {figures.count(times)})", f"{what} (last of {figures.count(times)})"
    return [
        Moment(at, "event", _actor(event), text, severity, ref) for at, text in zip((first, last), often, strict=True)
    ]


def _instants(event: _Event) -> tuple[datetime, datetime]:
    """When it happened first and last; raises ValueError when no field says."""
    created = event.metadata.creation_timestamp if event.metadata else None
    first = instant(event.first_timestamp or event.deprecated_first_timestamp or event.event_time or created)
    observed = event.series.last_observed_time if event.series else None
    last = instant(observed or event.last_timestamp or event.deprecated_last_timestamp)
    if first is None and last is None:
        raise ValueError("an event without any instant")
    return first or last, last or first  # type: ignore[return-value]


def _actor(event: _Event) -> str:
    source = event.source or _Source()
    name = source.component or event.reporting_component or event.reporting_controller or "unknown"
    return f"{name} on {source.host}" if source.host else name


def _about(event: _Event) -> str:
    """` [ReplicaSet web-6d9f]`, where the event is not about a pod."""
    thing = event.involved_object or event.regarding or _Object()
    return f" [{thing.kind} {thing.name or ''}]" if thing.kind and thing.kind != "Pod" else ""
