"""Login by an OpenID Connect provider: authorization code with PKCE, and an ID token that is verified, then believed.

Signatures and claims are judged by joserfc. HTTP is urllib3's, which irkit has anyway; nothing is followed elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from irkit.errors import IrkitError, UsageError
from irkit.playbook.approvals.standing import Person
from irkit.times import Clock
from irkit.triggers.watch.login.settings import Oidc

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

PATIENCE = 5.0  # seconds for one request to the provider
PENDING = timedelta(minutes=10)  # until a login that was begun must be ended
MOST = 1000  # logins begun at once
# Asymmetric ones only: a key set holds public keys, and "none" or HMAC with one of those is the classic forgery.
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


class LoginFailed(IrkitError):
    """The provider did not say, or not so that it can be believed, who is there."""


@dataclass(frozen=True, slots=True)
class _Begun:
    verifier: str
    nonce: str
    at: datetime


@dataclass(slots=True)
class Provider:
    """One provider; logins that were begun are remembered by their state."""

    settings: Oidc
    secret: str  # "": a public client
    clock: Clock
    _begun: dict[str, _Begun] = field(default_factory=dict)
    _about: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> tuple[str, str]:
        """Where to send the browser, and the state that it must bring back, which its cookie keeps, too."""
        state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        with self._lock:
            now = self.clock()
            self._begun = {key: one for key, one in self._begun.items() if one.at > now - PENDING}
            while len(self._begun) >= MOST:
                del self._begun[next(iter(self._begun))]
            self._begun[state] = _Begun(verifier, nonce, now)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.callback,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._discovered()['authorization_endpoint']}?{urlencode(query)}", state

    def end(self, state: str, code: str) -> Person:
        """Who came back with `code`; a state is good once. Raises LoginFailed."""
        with self._lock:
            begun = self._begun.pop(state, None)
        if begun is None or begun.at <= self.clock() - PENDING:
            raise LoginFailed("this login was not begun here, or too long ago", "begin again")
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.callback,
            "client_id": self.settings.client_id,
            "code_verifier": begun.verifier,
            **({"client_secret": self.secret} if self.secret else {}),
        }
        told = _ask("POST", self._discovered()["token_endpoint"], fields)
        return self._person(self._verified(str(told.get("id_token", "")), begun.nonce))

    def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        claims = jwt.JWTClaimsRegistry(
            now=lambda: int(self.clock().timestamp()),
            leeway=60,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            found = jwt.decode(token, self._keys(), algorithms=ALGORITHMS).claims
            claims.validate(found)
        except (JoseError, ValueError) as error:
            raise LoginFailed("the provider's word could not be verified", "ask who runs it") from error
        return dict(found)

    def _person(self, claims: dict[str, Any]) -> Person:
        name = str(claims.get(self.settings.name_claim) or claims["sub"])[:80]
        groups = claims.get(self.settings.groups_claim) or []
        held = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        roles = (self.settings.roles.get(str(group), ()) for group in held)
        return Person(name, tuple(sorted({role for some in roles for role in some})), "oidc")

    def _keys(self) -> KeySet:
        """Asked for at each login, which is seldom: so a key that the provider has replaced is known at once."""
        from joserfc.jwk import KeySet

        return KeySet.import_key_set(_ask("GET", self._discovered()["jwks_uri"]))  # type: ignore[arg-type]

    def _discovered(self) -> dict[str, Any]:
        if not self._about:
            about = _ask("GET", f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != self.settings.issuer:
                raise LoginFailed("the provider calls itself otherwise than the watch file's issuer", "compare the two")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not str(about.get(name, "")).startswith(("https://", "http://")):
                    raise LoginFailed(f"the provider does not tell its {name}", "is it the issuer's address?")
            self._about = about
        return self._about


def check() -> None:
    """Raises UsageError where the library is missing."""
    try:
        import joserfc  # noqa: F401
    except ImportError as error:
        raise UsageError("login by OpenID Connect needs joserfc", "pip install 'irkit[oidc]'") from error


def _ask(method: str, url: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
    import urllib3

    form = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
    body = urlencode(fields) if fields else None
    try:
        answer = urllib3.request(method, url, body=body, headers=form, redirect=False, retries=False, timeout=PATIENCE)
        told = json.loads(answer.data) if answer.status == 200 else None
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise LoginFailed("the provider does not answer", "is it to be reached from this machine?") from error
    if not isinstance(told, dict):
        raise LoginFailed(f"the provider refuses: HTTP status {answer.status}", "begin again; else ask who runs it")
    return told
