"""The pod looked for: what is known of it, and the texts by which a scan finds lines worth parsing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from irkit.audit.read.event import CREDENTIAL, ISSUED, Event
from irkit.audit.read.scan import Needle

if TYPE_CHECKING:
    from irkit.model.pod import Target

SECOND = timedelta(seconds=1)  # the grain of creationTimestamp, which is cut, never rounded


@dataclass(frozen=True, slots=True)
class Quarry:
    """One pod. Empty fields: not known, so nothing matches by them."""

    namespace: str
    name: str
    uid: str
    service_account: str = ""  # username, "system:serviceaccount:payments:web"
    created: datetime | None = None  # None: not known; every bearer of the name may be it
    addresses: tuple[str, ...] = ()
    owner: tuple[str, str] = ("", "")  # resource and name: "replicasets", "web-6d9f"
    node: str = ""
    credentials: frozenset[str] = frozenset()  # credential ids that the pod's own identity had minted

    @classmethod
    def of(cls, target: Target) -> Quarry:
        """The pod as a run pinned it."""
        account = f"system:serviceaccount:{target.namespace}:{target.service_account}"
        kind, _, owner = target.owner.partition("/")
        return cls(
            target.namespace,
            target.name,
            target.uid,
            account if target.service_account else "",
            target.created,
            target.pod_ips,
            (f"{kind.lower()}s", owner),
            target.node,
        )

    @property
    def needles(self) -> tuple[Needle, ...]:
        r"""Texts of which any matching line holds one.

        All are what the API server writes in plain ASCII: names and uids have no character that JSON may escape, and
        a client's own escapes (`\u0077eb`) survive only inside the raw body of a patch, whose objectRef names the
        object in plain all the same. A pod created without a name at level Metadata bears nothing but its namespace.
        The pod's name stands unquoted: it is also sought in URIs, and one pass more costs more than a few false hits.
        """
        own = [Needle(text.encode()) for text in (self.uid, self.name, *sorted(self.credentials)) if text]
        shared = (needle for part in self.parts() for needle in part.shared)
        return (*self.unnamed, *own, *map(_quoted, self.addresses), *shared)

    def parts(self) -> Iterator[Quarry]:
        """What it shares with other pods, each by itself, as a pod that has lived for ever: account, owner, node."""
        if self.service_account:
            yield Quarry("", "", "", self.service_account)
        if self.owner[1]:
            yield Quarry(self.namespace, "", "", owner=self.owner)
        if self.node:
            yield Quarry("", "", "", self.service_account, node=self.node)

    @property
    def shared(self) -> tuple[Needle, ...]:
        """The texts by which a part is found."""
        if self.node:
            return _quoted(self.node, "nodes"), _quoted(self.kubelet, "token")
        if self.owner[1]:
            return (_quoted(self.owner[1], self.owner[0]),)
        return (_quoted(self.service_account),)

    @property
    def unnamed(self) -> tuple[Needle, ...]:
        """The text by which a creation is found that does not say yet what the pod will be called."""
        path = f"/namespaces/{self.namespace}/pods".encode()
        return (Needle(path, b'"create"'),) if self.created and self.name else ()

    @property
    def kubelet(self) -> str:
        """The identity of its node; "" where the node is not known."""
        return f"system:node:{self.node}" if self.node else ""

    def chained(self, credentials: Iterable[str]) -> Quarry:
        """The same pod, looked for only by credentials that its identity had minted."""
        return Quarry(self.namespace, "", "", created=self.created, credentials=frozenset(credentials))

    def issued(self, event: Event) -> str:
        """The id of the credential that the pod's own identity had minted by this request; "" for none."""
        own = self.uid and event.bearer == self.uid
        chained = event.who.first(CREDENTIAL).removeprefix("JTI=") in self.credentials
        return event.note(ISSUED).removeprefix("JTI=") if own or chained else ""

    def lived(self, at: datetime | None) -> bool:
        """False for what is older than the pod: it concerns a predecessor of the same name."""
        return self.created is None or at is None or at >= self.created

    def begun_at(self, at: datetime | None) -> bool:
        """Whether a creation without a name that was answered then may be this pod's."""
        return bool(self.created and at and self.created <= at < self.created + 2 * SECOND)

    def begun_by(self, event: Event) -> bool:
        """True where `event` may have made this pod: within the second that creationTimestamp names."""
        ref, asked, done = event.ref, event.received, event.written
        if not (self.created and asked and done and event.code == 201 and begins(event)):
            return False
        named = (ref.namespace, ref.name) == (self.namespace, self.name)
        return named and asked < self.created + SECOND and done >= self.created

    def ended_by(self, event: Event) -> bool:
        """True where `event` removes this pod: what follows from its address is somebody else's."""
        ref = event.ref
        named = (ref.resource, ref.subresource, ref.namespace, ref.name) == ("pods", "", self.namespace, self.name)
        if not (named and self.name and event.verb == "delete" and event.code == 200 and self.lived(event.received)):
            return False
        return event.who.username.startswith("system:node:") or b'"gracePeriodSeconds":0' in bytes(event.requestObject)

    def succeeded_by(self, event: Event) -> bool:
        """True where `event` makes another pod of the same name: its creation was asked for when this one existed."""
        ref, received = event.ref, event.received
        if not (self.created and received and event.code == 201 and begins(event)):
            return False
        return (ref.namespace, ref.name) == (self.namespace, self.name) and received >= self.created + SECOND


def _quoted(text: str, beside: str = "") -> Needle:
    return Needle(f'"{text}"'.encode(), f'"{beside}"'.encode() if beside else b"")


def begins(event: Event) -> bool:
    """True for the creation of a pod that was not refused: from then on the name is this pod's and no other's."""
    ref = event.ref
    created = event.verb == "create" and (ref.resource, ref.subresource) == ("pods", "")
    return created and event.code in (0, 201) and "dryRun=All" not in event.requestURI
