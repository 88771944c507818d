"""An OpenID Connect provider for tests: real HTTP, real signatures, PKCE enforced; and lies, when it is told to lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "irkit", "client-secret-0123456789"


@dataclass
class Provider:
    """One person, who says yes at once. `lies` change the ID token; `forged` says how it is signed instead."""

    lies: dict[str, Any] = field(default_factory=dict)
    forged: str = ""  # "other": by a key that is not published; "hmac": with the public key as a shared secret; "none"
    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def about(self) -> dict[str, str]:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {"issuer": self.issuer, **{name: f"{self.issuer}/{path}" for name, path in names.items()}}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: dict[str, str]) -> dict[str, str] | None:
        """The token for a code, once, to who proves to have asked for it."""
        asked = self.codes.pop(form["code"], None)
        proof = _base64(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or proof != asked["code_challenge"] or form.get("client_secret") != SECRET:
            return None
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "u-1",
            "email": "ana@example.com",
            "groups": ["sec-leads", "everybody"],
            "nonce": asked["nonce"],
            "exp": int(time()) + 300,
        }
        return {"id_token": self._signed({**claims, **self.lies})}

    def _signed(self, claims: dict[str, Any]) -> str:
        match self.forged:
            case "other":
                return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, RSAKey.generate_key(2048))
            case "hmac":  # by hand: the library refuses to make this forgery
                signed = _joined({"alg": "HS256", "kid": "k1"}, claims)
                digest = hmac.digest(self.key.as_pem(private=False), signed.encode(), "sha256")
                return f"{signed}.{_base64(digest)}"
            case "none":
                return f"{_joined({'alg': 'none'}, claims)}."
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _joined(*parts: dict[str, Any]) -> str:
    return ".".join(_base64(json.dumps(part).encode()) for part in parts)


@contextmanager
def providing(provider: Provider) -> Iterator[Provider]:
    """The provider on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path)
            match path.path:
                case "/.well-known/openid-configuration":
                    self._tell(200, provider.about())
                case "/keys":
                    self._tell(200, dict(KeySet([provider.key]).as_dict(private=False)))
                case "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(dict(parse_qsl(path.query))))
                    self.end_headers()

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            told = provider.exchange(form)
            self._tell(200 if told else 400, told or {"error": "invalid_grant"})

        def _tell(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield provider
        server.shutdown()
