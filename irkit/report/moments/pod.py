"""Moments from `pod/pod.json`: its creation, its containers' starts and ends, its conditions, who last wrote to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from irkit.model.pod import Target
from irkit.model.run import Moment
from irkit.report.moments.source import UNREADABLE, Skipped, instant, load

POD = "pod/pod.json"
T = TypeVar("T")


class _Writer(msgspec.Struct):
    manager: str | None = None
    operation: str | None = None
    subresource: str | None = None
    time: str | None = None


class _Running(msgspec.Struct, rename="camel"):
    started_at: str | None = None


class _Terminated(msgspec.Struct, rename="camel"):
    started_at: str | None = None
    finished_at: str | None = None
    exit_code: int | None = None
    reason: str | None = None


class _State(msgspec.Struct):
    running: _Running | None = None
    terminated: _Terminated | None = None


class _Container(msgspec.Struct, rename="camel"):
    name: str = ""
    restart_count: int | None = None
    state: _State | None = None
    last_state: _State | None = None


class _Condition(msgspec.Struct, rename="camel"):
    type: str = ""
    status: str = ""
    reason: str | None = None
    last_transition_time: str | None = None


class _Meta(msgspec.Struct, rename="camel"):
    uid: str | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    managed_fields: list[msgspec.Raw] | None = None


class _Status(msgspec.Struct, rename="camel"):
    conditions: list[msgspec.Raw] | None = None
    init_container_statuses: list[msgspec.Raw] | None = None
    container_statuses: list[msgspec.Raw] | None = None
    ephemeral_container_statuses: list[msgspec.Raw] | None = None


class _Pod(msgspec.Struct):
    metadata: _Meta
    status: _Status | None = None


def moments(data: Path, target: Target | None) -> Iterator[Moment | Skipped]:
    """What the pod object says happened to it. A pod with another uid than the target's says nothing."""
    if not (data / POD).exists():
        return
    try:
        pod = load(data / POD, _Pod)
    except UNREADABLE:
        yield Skipped(POD)
        return
    if target and pod.metadata.uid != target.uid:
        yield Skipped(POD, "belongs to another pod of the same name")
        return
    status = pod.status or _Status()
    yield from _each([pod.metadata], _life)
    yield from _each(_decoded(pod.metadata.managed_fields, _Writer), _writer)
    yield from _each(_decoded(status.conditions, _Condition), _condition)
    yield from _each(_decoded(status.init_container_statuses, _Container), _init)
    yield from _each(_decoded(status.container_statuses, _Container), _container)
    yield from _each(_decoded(status.ephemeral_container_statuses, _Container), _ephemeral)


def _decoded(found: list[msgspec.Raw] | None, kind: type[T]) -> Iterator[T | Skipped]:
    for raw in found or ():
        try:
            yield msgspec.json.decode(raw, type=kind)
        except UNREADABLE:
            yield Skipped(POD)


def _each(found: Iterable[T | Skipped], told: Callable[[T], Iterator[Moment]]) -> Iterator[Moment | Skipped]:
    for item in found:
        try:
            yield from [item] if isinstance(item, Skipped) else told(item)
        except UNREADABLE:
            yield Skipped(POD)


def _at(text: str | None, what: str, severity: str = "info", actor: str = "kubelet") -> Iterator[Moment]:
    """The moment at `text`; nothing for an empty field."""
    if at := instant(text):
        yield Moment(at, "pod", actor, what, severity, POD)


def _life(meta: _Meta) -> Iterator[Moment]:
    yield from _at(meta.creation_timestamp, "pod created", "low", "API server")
    # deletionTimestamp is when the grace period ends, not when somebody asked.
    yield from _at(meta.deletion_timestamp, "end of the grace period of the pod's deletion", "medium", "API server")


def _writer(writer: _Writer) -> Iterator[Moment]:
    part = f" ({writer.subresource})" if writer.subresource else ""
    yield from _at(writer.time, f"last {writer.operation or 'write'} of its fields{part}", "info", writer.manager or "")


def _condition(condition: _Condition) -> Iterator[Moment]:
    why = f" ({condition.reason})" if condition.reason else ""
    yield from _at(condition.last_transition_time, f"{condition.type} became {condition.status}{why}")


def _init(container: _Container) -> Iterator[Moment]:
    return _states(container, "init container", "info")


def _container(container: _Container) -> Iterator[Moment]:
    return _states(container, "container", "low")


def _ephemeral(container: _Container) -> Iterator[Moment]:
    return _states(container, "ephemeral container", "high")


def _states(container: _Container, kind: str, severity: str) -> Iterator[Moment]:
    """The starts and ends of its last two lives: no more is kept in the object."""
    name, restarts = f"{kind} {container.name}", container.restart_count or 0
    for state, life in ((container.last_state, restarts - 1), (container.state, restarts)):
        again = f" again (restart {life})" if life > 0 else ""
        if state and state.running:
            yield from _at(state.running.started_at, f"{name} started{again}", severity)
        if state and state.terminated:
            ended = state.terminated
            reason = f", {ended.reason}" if ended.reason else ""
            yield from _at(ended.started_at, f"{name} started{again}", severity)
            worse = severity if ended.exit_code == 0 or severity == "high" else "medium"
            yield from _at(ended.finished_at, f"{name} ended with exit code {ended.exit_code}{reason}", worse)
