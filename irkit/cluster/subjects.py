"""Whom a binding is for: does one of its subjects stand for a service account, and through what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from irkit.cluster.objects import entries
from irkit.cluster.protocol import Json


class Through(StrEnum):
    """How a subject comes to stand for an account."""

    ACCOUNT = "account"  # it names the account
    USER = "user"  # it names the account's user name
    GROUP = "group"  # it names a group that the account is always in, and others with it

    @property
    def alone(self) -> bool:
        """True when such a subject stands for this account and for nobody else."""
        return self is not Through.GROUP


@dataclass(frozen=True, slots=True)
class Account:
    """A service account, by its name: nothing recreates one unseen."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def user(self) -> str:
        """The user name that the API server knows it by."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups it is always in (k8s.io/docs/reference/access-authn-authz/service-accounts-admin)."""
        return ("system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated")


def through(subject: Json, account: Account) -> Through | None:
    """Through what one subject of a binding stands for `account`; None when it is somebody else."""
    kind, name = subject.get("kind"), subject.get("name")
    if kind == "ServiceAccount":
        named = (subject.get("namespace"), name) == (account.namespace, account.name)
        return Through.ACCOUNT if named else None
    if kind == "User":
        return Through.USER if name == account.user else None
    return Through.GROUP if kind == "Group" and name in account.groups else None


def standing(binding: Json, account: Account) -> Iterator[tuple[Json, Through]]:
    """The subjects of `binding` that stand for `account`, in order."""
    for subject in entries(binding, "subjects"):
        if how := through(subject, account):
            yield subject, how


def told(subject: Json) -> str:
    """A subject in words: "ServiceAccount web"."""
    return f"{subject.get('kind')} {subject.get('name')}"
