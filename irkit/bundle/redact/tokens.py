"""What stands in a secret's place: `[REDACTED:<kind>:<16 hex digits>]`.

The digits are the first 8 bytes of HMAC-SHA-256 over the secret with the case's key: within a case equal secrets have
equal tokens, so a reader can correlate them; without the key nobody can try guesses against one, and across cases
nothing can be compared. The kind comes from the secret alone, so that it is the same wherever the secret was found.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field

from irkit.errors import UsageError

# No quote, no backslash, no control character: a token stands in JSON strings of any nesting as it is.
TOKEN = re.compile(rb"\[REDACTED:[a-z0-9-]{1,24}:[0-9a-f]{16}\]")
# Secrets that stood side by side.
TOKENS = re.compile(rb"(?:" + TOKEN.pattern + rb")+")
SHORTEST_KEY = 16  # bytes

_KINDS = (
    ("jwt", re.compile(rb"eyJ[\w-]+\.[\w-]+\.[\w.-]*")),
    ("aws-key-id", re.compile(rb"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}")),
    ("github", re.compile(rb"gh[pousr]_\w+|github_pat_\w+")),
    ("gitlab", re.compile(rb"gl[a-z]{2,8}-[\w.-]+")),
    ("slack", re.compile(rb"xox[a-z]-[\w-]+|xapp-[\w-]+")),
    ("stripe", re.compile(rb"(?:[sr]k_(?:live|test)|whsec)_\w+")),
    ("private-key", re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY.*", re.S)),
)


def inside(text: bytes, at: int) -> bool:
    """Whether `at` is within a token, behind its first byte."""
    start = text.rfind(b"[REDACTED:", max(0, at - 52), at)
    token = TOKEN.match(text, start) if start >= 0 else None
    return bool(token and token.end() > at)


def kind(secret: bytes) -> str:
    """What `secret` is by its own shape: "jwt", "github" and so on; "secret" for anything else."""
    return next((name for name, shape in _KINDS if shape.fullmatch(secret)), "secret")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one case. `key`: at least 16 random bytes, kept as secret as what it hides."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < SHORTEST_KEY:
            raise UsageError(f"a redaction key has at least {SHORTEST_KEY} bytes")

    def of(self, secret: bytes) -> bytes:
        """The token for `secret`; a token stands for itself."""
        if TOKEN.fullmatch(secret):
            return secret
        digits = hmac.digest(self.key, secret, "sha256")[:8].hex()
        return f"[REDACTED:{kind(secret)}:{digits}]".encode()
