"""What is told of an identity, and of what was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from irkit.cluster.subjects import Through
from irkit.model.isolation import Change


class Blast(StrEnum):
    """Whom a revocation hits."""

    POD = "pod"  # this pod's writes; its siblings go on
    ACCOUNT = "account"  # the pod's writes, and every pod of the account loses the account's own grants


@dataclass(frozen=True, slots=True)
class Grant:
    """One binding that gives the account a role."""

    binding: str  # "RoleBinding/web"
    namespace: str  # where it holds; "" for everywhere
    subject: str  # the one that fits: "ServiceAccount web", "Group system:authenticated"
    through: Through
    role: str  # "ClusterRole/edit"
    rules: tuple[dict[str, Any], ...] | None  # None: the role is not there, or may not be read
    revocable: bool  # for this account alone


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret to rotate, never its content."""

    namespace: str  # "" for every namespace
    name: str  # "*" for every secret
    why: str  # "get by RoleBinding/web", "volume creds"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the pod's account may do. `gaps` says what could not be read: there may be more."""

    namespace: str
    name: str
    uid: str
    service_account: str  # "payments/web"
    grants: tuple[Grant, ...]
    secrets: tuple[Secret, ...]
    warnings: tuple[str, ...]
    gaps: tuple[str, ...]
    revoked: Blast | None  # None: nothing is in place

    @property
    def complete(self) -> bool:
        """False when a list of bindings or a role could not be read."""
        return not self.gaps


@dataclass(frozen=True, slots=True)
class Revocation:
    """What `revoke` did."""

    namespace: str
    name: str
    uid: str
    service_account: str
    blast: Blast
    changes: tuple[Change, ...]  # empty: it was revoked already
    kept: tuple[Grant, ...]  # grants that the account still has
    warnings: tuple[str, ...]
    gaps: tuple[str, ...]  # what could not be read, so that it may have more


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore` did."""

    changes: tuple[Change, ...]  # empty: nothing of ours was left
    gaps: tuple[str, ...]  # where something of ours may be left
