"""Answers and failures, worded as the API server words them (observed on v1.37)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from irkit.drill.range.kinds.table import Kind

Json = dict[str, Any]


def encode(body: Json) -> bytes:
    """One line of JSON, keys in the order given, as the API server sends it."""
    return msgspec.json.encode(body) + b"\n"


@dataclass
class Answer:
    """One answer: a JSON `body`, or `text`, or a `stream` of bytes."""

    code: int = 200
    body: Json | None = None  # None: text or stream instead
    text: str = ""
    stream: AsyncIterator[bytes] | None = None  # None: the answer is complete
    media: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cause:
    """One field that is wrong."""

    field: str
    reason: str
    message: str


class ApiFailure(Exception):
    """The API server says no; it becomes a `Status` body."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details
        self.metadata: Json = {}

    def answer(self) -> Answer:
        """The failure as an HTTP answer."""
        after = (self.details or {}).get("retryAfterSeconds")
        return Answer(self.code, self.status(), headers={"Retry-After": str(after)} if after else {})

    def status(self) -> Json:
        """The `Status` object."""
        body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        return body | ({"details": self.details} if self.details is not None else {}) | {"code": self.code}


def details(kind: Kind, name: str | None = None, **more: object) -> Json:
    """The `details` of a Status about `name`."""
    known = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in known.items() if value} | more


def success(kind: Kind, obj: Json) -> Json:
    """The Status that a finished deletion answers with."""
    about = details(kind, obj["metadata"]["name"], uid=obj["metadata"]["uid"])
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": about}


def bad_request(message: str) -> ApiFailure:
    """400."""
    return ApiFailure(400, "BadRequest", message)


def no_such_resource() -> ApiFailure:
    """404 for a path that no resource lives at."""
    return ApiFailure(404, "NotFound", "the server could not find the requested resource", {})


def not_found(kind: Kind, name: str) -> ApiFailure:
    """404 for an object."""
    return ApiFailure(404, "NotFound", f'{kind.qualified} "{name}" not found', details(kind, name))


def already_exists(kind: Kind, name: str) -> ApiFailure:
    """409 on create."""
    return ApiFailure(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', details(kind, name))


def not_allowed() -> ApiFailure:
    """405."""
    return ApiFailure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def conflict(kind: Kind, name: str, why: str) -> ApiFailure:
    """409 on a change."""
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return ApiFailure(409, "Conflict", message, details(kind, name))


def modified(kind: Kind, name: str) -> ApiFailure:
    """409 for a stale resourceVersion."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind, name, why)


def unacceptable_patch() -> ApiFailure:
    """422 for a JSON Patch that does not apply, a failed `test` included."""
    return ApiFailure(422, "Invalid", "the server rejected our request due to an error in our request", {})


def unsupported_media(accepted: str = "") -> ApiFailure:
    """415."""
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    if accepted:
        return ApiFailure(415, "UnsupportedMediaType", message)
    return ApiFailure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def invalid(what: str, name: str, causes: Sequence[Cause], *, group: str = "") -> ApiFailure:
    """422: `what` is a kind ("Pod") or an options kind."""
    told = [f"{cause.field}: {cause.message}" for cause in causes]
    message = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    about: Json = {key: value for key, value in (("name", name), ("group", group), ("kind", what)) if value}
    about["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    title = f"{what}.{group}" if group else what
    return ApiFailure(422, "Invalid", f'{title} "{name}" is invalid: {message}', about)


def expired(message: str, fresh: str = "") -> ApiFailure:
    """410, with the token that goes on without consistency when there is one."""
    failure = ApiFailure(410, "Expired", message)
    failure.metadata = {"continue": fresh} if fresh else {}
    return failure
