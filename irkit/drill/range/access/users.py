"""Who asks: tokens, impersonation, and the insecure loopback user.

kubectl sends no credentials over plain HTTP, so a request without any is the practice administrator, as on the
insecure port that API servers once had.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from irkit.drill.range.answer import ApiFailure, Json


@dataclass(frozen=True)
class User:
    """Who an audit line names. `extra` holds what a service account token says of its pod."""

    name: str
    groups: tuple[str, ...] = ()
    extra: dict[str, list[str]] = field(default_factory=dict, hash=False)
    uid: str = ""

    def info(self) -> Json:
        """The user as SelfSubjectReview and the audit log show it."""
        known = {"username": self.name, "uid": self.uid, "groups": list(self.groups), "extra": self.extra}
        return {key: value for key, value in known.items() if value}


ADMIN = User("oncall@example.com", ("system:masters", "system:authenticated"))


def service_account(namespace: str, name: str, *, uid: str = "", pod: tuple[str, str] | None = None) -> User:
    """The user that a service account's token stands for; `pod` is the name and uid that a bound token carries."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    marks = ("authentication.kubernetes.io/pod-name", "authentication.kubernetes.io/pod-uid")
    extra = {mark: [value] for mark, value in zip(marks, pod, strict=True)} if pod else {}
    return User(f"system:serviceaccount:{namespace}:{name}", groups, extra, uid)


class Users:
    """The tokens that the range has given out."""

    def __init__(self) -> None:
        self._tokens: dict[str, User] = {}
        self.admin_token = self.token(ADMIN)

    def token(self, user: User) -> str:
        """A new bearer token for `user`."""
        token = f"practice-{secrets.token_urlsafe(24)}"
        self._tokens[token] = user
        return token

    def revoke(self, token: str) -> None:
        """The token is 401 from now on."""
        self._tokens.pop(token, None)

    def of(self, headers: Mapping[str, str]) -> User:
        """Who sends these headers; raises 401 for a token that is not ours."""
        given = headers.get("authorization", "")
        if not given:
            return ADMIN
        user = self._tokens.get(given.removeprefix("Bearer ").strip())
        if user is None:
            raise ApiFailure(401, "Unauthorized", "Unauthorized")
        return user


def impersonated(headers: Mapping[str, str], groups: list[str]) -> User | None:
    """Whom the sender asks to be taken for; None for nobody else."""
    name = headers.get("impersonate-user")
    if not name:
        return None
    if name.startswith("system:serviceaccount:") and not groups:
        return service_account(*name.split(":")[2:4])
    return User(name, tuple(dict.fromkeys([*groups, "system:authenticated"])))
