"""What containment did, and whether it holds: a verdict per direction with its proof, never "an object was created"."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How far a direction is known to be closed, strongest first."""

    PROVEN = "proven"  # measured with packets and a positive control
    CLAIMED = "claimed"  # the policy engine says that it enforces
    UNVERIFIED = "unverified"  # the objects admit nothing; whether they are enforced is not known
    INEFFECTIVE = "ineffective"  # something still gets through


class Direction(StrEnum):
    """Seen from the pod."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Family(StrEnum):
    """Of addresses: a pod may have one of each, and a way may be open for one and closed for the other."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


@dataclass(frozen=True, slots=True)
class Change:
    """One object changed (or, in a dry run, that would be)."""

    action: str  # "create", "patch", "delete"
    kind: str  # "NetworkPolicy", "Pod"
    namespace: str
    name: str
    detail: str  # "label irkit.dev/quarantine=..."
    body: Any = None  # the manifest or patch sent; None for a deletion

    @property
    def place(self) -> str:
        """Namespace and name; the name alone of an object of the whole cluster."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Residual:
    """Something that still admits traffic in `direction` although the pod is quarantined."""

    policy: str  # the policy's name, or what stands for it ("hostNetwork")
    direction: Direction
    why: str
    families: tuple[Family, ...] = tuple(Family)


@dataclass(frozen=True, slots=True)
class Proof:
    """One observation that supports the verdict."""

    kind: str  # "policies-recomputed", "probe", "engine-status"
    result: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Isolation:
    """The result of `isolate`."""

    namespace: str
    name: str
    uid: str
    engine: str  # "networking.k8s.io/v1"; "" when nothing could be applied
    changes: tuple[Change, ...] = ()  # empty: it was isolated already
    residual: tuple[Residual, ...] = ()
    verdict: dict[Direction, Verdict] = field(default_factory=dict)
    proof: tuple[Proof, ...] = ()
    warnings: tuple[str, ...] = ()
    families: dict[Direction, dict[Family, Verdict]] = field(default_factory=dict)  # empty: from before there were any
    preserved: tuple[str, ...] = ()  # what keeps the pod from being deleted, in words

    @property
    def holds(self) -> bool:
        """False when any direction is known to be open."""
        return Verdict.INEFFECTIVE not in self.verdict.values()
