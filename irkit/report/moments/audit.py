"""Moments from `audit/matches.jsonl`: one per request, its stages put together again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from irkit.model.pod import Target
from irkit.model.run import Moment
from irkit.report import figures
from irkit.report.moments.gravity import Request, severity
from irkit.report.moments.source import LARGEST, UNREADABLE, Skipped, instant

MATCHES = "audit/matches.jsonl"
LIMIT = 100_000  # requests; every match stays in MATCHES
_STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
_STREAMS = {"exec": "exec into", "attach": "attach to", "portforward": "port-forward to"}
_NAMESPACED = ("secrets", "configmaps", "pods", "serviceaccounts", "roles", "rolebindings", "events")
_LOOPBACK = ("127.0.0.1", "::1", "")


class _User(msgspec.Struct):
    username: str | None = None


class _Ref(msgspec.Struct):
    resource: str | None = None
    subresource: str | None = None
    name: str | None = None
    namespace: str | None = None


class _Status(msgspec.Struct):
    code: int | None = None


class _Event(msgspec.Struct, rename="camel"):
    auditID: str | None = msgspec.field(default=None, name="auditID")
    requestURI: str | None = msgspec.field(default=None, name="requestURI")
    sourceIPs: list[str] | None = msgspec.field(default=None, name="sourceIPs")
    verb: str | None = None
    stage: str | None = None
    user: _User | None = None
    impersonated_user: _User | None = None
    object_ref: _Ref | None = None
    response_status: _Status | None = None
    request_received_timestamp: str | None = None
    stage_timestamp: str | None = None
    timestamp: str | None = None  # v1alpha1 had this one only


class _Match(msgspec.Struct):
    event: _Event


@dataclass(frozen=True, slots=True)
class _Seen:
    """One request so far: when it came, its furthest stage and when that was."""

    at: datetime
    until: datetime
    stage: int
    code: int
    event: _Event


def moments(data: Path, target: Target | None) -> Iterator[Moment | Skipped]:
    """One moment per request of the matched events; requests past LIMIT are counted."""
    path = data / MATCHES
    seen: dict[tuple[str, ...], _Seen] = {}
    try:
        with path.open("rb") as file:
            while line := file.readline(LARGEST):
                if line.strip():
                    yield from _take(line, seen)
    except FileNotFoundError:
        return
    except OSError:
        yield Skipped(MATCHES)
    yield from (_moment(request, target) for request in seen.values())


def _take(line: bytes, seen: dict[tuple[str, ...], _Seen]) -> Iterator[Skipped]:
    """Put the event of `line` to those `seen`. An auditID alone names no request: the client may choose it."""
    try:
        event = _DECODER.decode(line).event
        new = _read(event)
    except UNREADABLE:
        yield Skipped(MATCHES)
        return
    came = event.request_received_timestamp or event.timestamp or ""
    key = (event.auditID or "", came, event.verb or "", event.requestURI or "")
    old = seen.get(key)
    if old is None and len(seen) >= LIMIT:
        yield Skipped(MATCHES, f"are past the first {figures.count(LIMIT)} requests")
    else:
        seen[key] = _joined(old, new) if old else new


_DECODER = msgspec.json.Decoder(_Match)


def _read(event: _Event) -> _Seen:
    came, staged = instant(event.request_received_timestamp), instant(event.stage_timestamp or event.timestamp)
    at = came or staged
    if at is None:
        raise ValueError("an event without any instant")
    stage = _STAGES.index(event.stage) if event.stage in _STAGES else 0
    code = (event.response_status.code if event.response_status else 0) or 0
    return _Seen(at, staged or at, stage, code, event)


def _joined(old: _Seen, new: _Seen) -> _Seen:
    late = max(old, new, key=lambda seen: seen.stage)
    return replace(late, at=min(old.at, new.at), code=late.code or old.code or new.code)


def _moment(seen: _Seen, target: Target | None) -> Moment:
    event, ref = seen.event, seen.event.object_ref or _Ref()
    resource = "/".join(part for part in (ref.resource, ref.subresource) if part)
    user = (event.user.username if event.user else "") or "unknown"
    request = Request(event.verb or "", resource, user, event.requestURI or "", seen.code)
    return Moment(seen.at, "audit", _actor(event, user), _what(seen, ref, resource, target), severity(request), MATCHES)


def _actor(event: _Event, user: str) -> str:
    """Who, as whom, from where: of several addresses only the last was seen by the API server itself."""
    as_whom = event.impersonated_user.username if event.impersonated_user else ""
    address = event.sourceIPs[-1] if event.sourceIPs else ""
    return f"{user}{f' as {as_whom}' if as_whom else ''}{f' from {address}' if address not in _LOOPBACK else ''}"


def _what(seen: _Seen, ref: _Ref, resource: str, target: Target | None) -> str:
    path, details = _read_uri(seen.event.requestURI or "")
    if ref.resource == "pods" and ref.subresource in _STREAMS:
        own = target is not None and (ref.namespace, ref.name) == (target.namespace, target.name)
        return f"{_STREAMS[ref.subresource]} {'the pod' if own else ref.name}{details}{_ending(seen)}"
    thing = f"{resource}{f' {ref.name}' if ref.name else ''}" or path
    more = details if ref.subresource == "log" else _where(seen, ref, target)
    return f"{seen.event.verb or 'request'} {thing}{more}{_answer(seen.code)}"


def _where(seen: _Seen, ref: _Ref, target: Target | None) -> str:
    """Where it looked or acted, when that is not the target's own namespace."""
    if ref.namespace:
        return "" if target and ref.namespace == target.namespace else f" in namespace {ref.namespace}"
    whole = seen.event.verb in ("list", "watch", "deletecollection") and ref.resource in _NAMESPACED
    return " in all namespaces" if whole else ""


def _answer(code: int) -> str:
    """What the API server said to a request that it did not grant."""
    return f", refused with {code}" if code in (401, 403) else f", answered {code}" if code >= 400 else ""


def _ending(seen: _Seen) -> str:
    """How a stream ended: refused, or after how long; nothing for less than a second, or while it goes on."""
    lasted = (seen.until - seen.at).total_seconds() if seen.stage == _STAGES.index("ResponseComplete") else 0
    return _answer(seen.code) or (f", for {figures.span(lasted)}" if lasted >= 1 else "")


def _read_uri(uri: str) -> tuple[str, str]:
    """The path, and `, container app: sh -c id` from the query of an exec, attach or log request.

    The client writes the URI: one that cannot be taken apart is all path.
    """
    try:
        parts = urlsplit(uri)
        query = parse_qs(parts.query, max_num_fields=1000)
    except ValueError:
        return uri, ""
    container = f", container {query['container'][0]}" if "container" in query else ""
    return parts.path, f"{container}{': ' + ' '.join(query['command']) if 'command' in query else ''}"
