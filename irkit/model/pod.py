"""Which pod: validated on construction, pinned to a uid so that a same-named successor is never mistaken for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime

from irkit.errors import UsageError

# RFC 1123: namespaces are labels (63), pod names are subdomains (253).
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_UID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")


@dataclass(frozen=True, slots=True)
class PodRef:
    """One pod. Raises UsageError for a name that no API server would accept."""

    namespace: str
    name: str
    uid: str | None = None  # None until resolved against the cluster

    def __post_init__(self) -> None:
        if not _LABEL.match(self.namespace):
            raise UsageError(f"not a namespace name: {self.namespace!r}", "lower-case letters, digits, '-', 63 at most")
        if len(self.name) > 253 or not _SUBDOMAIN.match(self.name):
            raise UsageError(f"not a pod name: {self.name!r}", "lower-case letters, digits, '-' and '.', 253 at most")
        if self.uid is not None and not _UID.match(self.uid):
            raise UsageError(f"not a uid: {self.uid!r}")

    def pinned(self, uid: str) -> PodRef:
        """The same name, bound to `uid`."""
        return replace(self, uid=uid)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Target:
    """The pod, as it was when the run pinned it."""

    namespace: str
    name: str
    uid: str
    node: str = ""  # "" when not yet scheduled
    phase: str = ""
    pod_ips: tuple[str, ...] = ()
    owner: str = ""  # "ReplicaSet/web-6d9f"; "" for a bare pod
    service_account: str = ""
    images: dict[str, str] = field(default_factory=dict)  # container -> image id
    created: datetime | None = None  # None: the object carries no creationTimestamp
    deleted: datetime | None = None  # None: not being deleted


@dataclass(frozen=True, slots=True)
class Scope:
    """Many pods of one namespace, as they were when the run pinned them."""

    namespace: str
    what: str  # "deployment/web", "pods with app=web", "every pod"
    pods: tuple[Target, ...]
