"""One line of a timeline: a request, however often it was repeated, a finding, or what other evidence tells."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from irkit.audit.read.event import Event
from irkit.model.audit import Severity
from irkit.model.run import Moment
from irkit.times import rfc3339

STREAMS = frozenset({"exec", "attach"})


class Kind(StrEnum):
    """What a line tells."""

    REQUEST = "request"
    FINDING = "finding"
    EVENT = "event"  # a Kubernetes Event
    POD = "pod"  # the pod's own status
    LOG = "log"  # a container's
    IRKIT = "irkit"  # what we did


class Line(msgspec.Struct, frozen=True, gc=False):
    """What happened from `at` to `until`, `count` times. Of a finding: `what` is its reason."""

    at: datetime
    until: datetime
    count: int
    kind: Kind
    severity: Severity
    actor: str  # "alice as root"
    what: str
    verb: str = ""
    resource: str = ""  # "pods/exec"
    namespace: str = ""
    name: str = ""
    uri: str = ""  # of the first request
    code: int = 0  # 0: the log does not say
    address: str = ""  # what the API server itself saw
    agent: str = ""  # what the client of the first request says of itself
    rule: str = ""  # of a finding
    technique: str = ""  # of a finding
    audit_ids: tuple[str, ...] = ()  # the first few; of a finding: all
    source: str = ""  # where the first request stands: "audit.log:1234" (byte offset)
    tier: int = 0  # how surely it concerns the pod that was asked for; 0: none was
    reason: str = ""  # why it does

    @property
    def target(self) -> str:
        """The object, or the path of a request that has none."""
        place = "/".join(filter(None, (self.namespace, self.name)))
        return " ".join(filter(None, (self.resource, place))) or self.uri.partition("?")[0]


def moment(line: Line) -> Moment:
    """The same for the report's picture and table."""
    again = f" ({line.count:,} times until {rfc3339(line.until)})" if line.count > 1 else ""
    finding = line.kind is Kind.FINDING
    what = f"{line.rule} [{line.technique}]: {line.what}" if finding else f"{line.what}{again}"
    source = "audit" if line.kind is Kind.REQUEST else str(line.kind)
    address = f" from {line.address}" if line.address else ""
    return Moment(line.at, source, f"{line.actor}{address}", what, str(line.severity), line.source)


class Key(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What identical requests have in common."""

    actor: str
    address: str
    verb: str
    resource: str
    namespace: str
    name: str
    detail: str  # the command of an exec, the path of a request without an object
    code: int


def key(event: Event) -> Key:
    """What makes `event` the same request as another."""
    ref, whom = event.ref, event.impersonatedUser
    actor = f"{event.who.username} as {whom.username}" if whom else event.who.username
    address = event.address
    return Key(actor, address, event.verb, ref.kind, ref.namespace, ref.name, _detail(event), event.code)


def _detail(event: Event) -> str:
    if event.objectRef is None:
        return event.requestURI.partition("?")[0]
    return event.command if event.ref.subresource in STREAMS else ""


def told(one: Key) -> str:
    """A request in words: `get pods/exec payments/web-1: sh -c id, 101`."""
    place = "/".join(filter(None, (one.namespace, one.name)))
    thing = " ".join(filter(None, (one.verb or "request", one.resource, place)))
    detail = f": {one.detail}" if one.detail and one.resource else f" {one.detail}" if one.detail else ""
    return f"{thing}{detail}{f', {one.code}' if one.code else ''}"
