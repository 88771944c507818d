"""One audit event (audit.k8s.io/v1), typed: only the fields that irkit judges by; the rest stays in the raw line.

The API server writes what stands outside `requestObject` and `responseObject`; inside them stands what a client sent,
and `userAgent`, the `Audit-ID` and all but the last of `sourceIPs` are the client's word too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote_plus

import msgspec

from irkit import times
from irkit.audit.read.mend import deep, mended

# Go's authenticators write these (k8s.io/apiserver/pkg/authentication/serviceaccount, KEP-4193).
POD_UID = "authentication.kubernetes.io/pod-uid"
POD_NAME = "authentication.kubernetes.io/pod-name"
CREDENTIAL = "authentication.kubernetes.io/credential-id"
ISSUED = "authentication.kubernetes.io/issued-credential-id"
DECISION = "authorization.k8s.io/decision"
REASON = "authorization.k8s.io/reason"
TRUNCATED = "audit.k8s.io/truncated"  # "true": the bodies were too large, and are left out (--audit-*-truncate-enabled)
_LONGEST = 16384  # characters of a command, encoded: a URI may be a megabyte, and decoding one takes a second
NULL = msgspec.Raw(b"null")
Extra = dict[str, list[str]]


class Asker(Protocol):
    """Whose token it was, and from where it was used."""

    @property
    def bearer(self) -> str:
        """The uid of the pod that the credential is bound to; "" for any other credential."""
        ...

    @property
    def address(self) -> str:
        """The last of `sourceIPs`, the API server's own observation; those before it are hearsay."""
        ...


class User(msgspec.Struct, gc=False):
    """Who asked, or as whom."""

    username: str = ""
    groups: list[str] | None = None
    extra: Extra | None = None

    def first(self, key: str) -> str:
        """The first value of an `extra` key; "" where there is none."""
        values = (self.extra or {}).get(key)
        return values[0] if values else ""


class Ref(msgspec.Struct, gc=False):
    """What was asked about."""

    resource: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    apiGroup: str = ""
    subresource: str = ""

    @property
    def kind(self) -> str:
        """What RBAC calls a resource: "pods", "pods/exec"."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind, "/".join(filter(None, (self.namespace, self.name)))) if part)


class Status(msgspec.Struct, gc=False):
    """How it ended; `code` 0 where the event was written before the answer, or by a service that knows no code."""

    code: int = 0
    status: str = ""  # "Failure" for a refusal; successes mostly leave it out


NOBODY, NOTHING, PENDING = User(), Ref(), Status()


class Event(msgspec.Struct, gc=False):
    """One line. Raises msgspec.ValidationError on decoding where a field has a type that no API server writes."""

    verb: str
    apiVersion: str = ""
    level: str = ""
    auditID: str = ""
    stage: str = ""
    requestURI: str = ""
    user: User | None = None
    impersonatedUser: User | None = None
    sourceIPs: list[str] | None = None
    userAgent: str = ""
    objectRef: Ref | None = None
    responseStatus: Status | None = None
    requestObject: msgspec.Raw = NULL
    responseObject: msgspec.Raw = NULL
    requestReceivedTimestamp: str = ""
    stageTimestamp: str = ""
    timestamp: str = ""  # all that v1alpha1 had
    annotations: dict[str, str] | None = None

    @property
    def is_audit(self) -> bool:
        """Items of a webhook's EventList carry no apiVersion; other things called Event carry no stage."""
        return self.apiVersion.startswith("audit.k8s.io/") or bool(self.auditID and self.stage)

    @property
    def who(self) -> User:
        """The authenticated user."""
        return self.user or NOBODY

    @property
    def bearer(self) -> str:
        """See `Asker`."""
        return self.who.first(POD_UID)

    @property
    def address(self) -> str:
        """See `Asker`."""
        return self.sourceIPs[-1] if self.sourceIPs else ""

    @property
    def ref(self) -> Ref:
        """The object; an empty one for a request without any."""
        return self.objectRef or NOTHING

    @property
    def code(self) -> int:
        """The HTTP status; 0 before the answer."""
        return (self.responseStatus or PENDING).code

    @property
    def refused(self) -> bool:
        """True where authorization, admission or the request's handler said no."""
        status = self.responseStatus or PENDING
        return status.code >= 400 or status.status == "Failure" or self.note(DECISION) == "forbid"

    @property
    def command(self) -> str:
        """What an exec was to run, as its URI says, "..." behind what is cut off; "" where it does not."""
        query = self.requestURI.partition("?")[2].partition("#")[0]
        said = "&".join(_commands(query))
        told = " ".join(unquote_plus(one) for one in said[:_LONGEST].split("&"))
        return f"{told} ..." if len(said) > _LONGEST else told

    @property
    def received(self) -> datetime | None:
        """When the request arrived; None where the event does not say."""
        return instant(self.requestReceivedTimestamp or self.timestamp)

    @property
    def written(self) -> datetime | None:
        """When the stage was reached: a log is in this order. None where the event does not say."""
        return instant(self.stageTimestamp) or self.received

    def note(self, key: str) -> str:
        """One annotation; "" where there is none."""
        return (self.annotations or {}).get(key, "")


def _commands(query: str) -> Iterator[str]:
    """The values of each `command`, in whichever way its name is written, still encoded."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if value and (name == "command" or ("%" in name and len(name) <= 21 and unquote_plus(name) == "command")):
            yield value


@lru_cache(16)
def instant(text: str) -> datetime | None:
    """The instant a timestamp names; None for "" and for what is not one."""
    try:
        return times.parse(text) if text else None
    except ValueError:
        return None


_EVENT = msgspec.json.Decoder(Event)
_ANY = msgspec.json.Decoder()
BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what decoding hostile bytes raises
T = TypeVar("T")


def decode(line: bytes | memoryview) -> Event | None:
    """The event in `line`; None for anything that is not an audit event, however hostile."""
    event = read(_EVENT, line)
    return event if event and event.is_audit else None


def read(decoder: msgspec.json.Decoder[T], line: bytes | memoryview) -> T | None:
    """What `decoder` makes of a line that an API server wrote, whatever a client put into it; None for what is none."""
    try:
        return decoder.decode(line)
    except msgspec.ValidationError:
        return None
    except BROKEN:
        return _mended(decoder, bytes(line))


def whole(raw: bytes | memoryview | msgspec.Raw) -> Any:  # noqa: ANN401 - JSON of any shape
    """`raw` as plain Python, without what nests too deep for a walk through it; None for what is not JSON."""
    text = bytes(raw)
    if deep(text):
        return _mended(_ANY, text)
    try:
        return _ANY.decode(text)
    except BROKEN:
        return _mended(_ANY, text)


def _mended(decoder: msgspec.json.Decoder[T], text: bytes) -> T | None:
    fit = mended(text)
    try:
        return None if fit is None else decoder.decode(fit)
    except BROKEN:
        return None


def body(raw: msgspec.Raw) -> dict[str, Any]:
    """A request or response object; empty at levels that do not log it, and for lists of patch operations."""
    found = whole(raw)
    return found if isinstance(found, dict) else {}
