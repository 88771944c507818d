"""What a store says, fit for an error: it quotes what it was sent, and so does a proxy in front of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from irkit import text

# The signature of a request: AWS Signature Version 4. A checksum looks like one, and tells a reader as little.
_SIGNATURE = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True, slots=True)
class Words:
    """One line of at most 200 characters without the credentials of this conversation, and without what looks like any.

    `mask` knows how secrets look; `own` tells the credentials in use, whatever they look like.
    """

    mask: text.Mask
    own: Callable[[], Iterable[str]] = tuple

    def __call__(self, said: str) -> str:
        """`said` without secrets."""
        return text.line(said, self._masked, limit=200)

    def _masked(self, said: str) -> str:
        return self.mask(_SIGNATURE.sub("[REDACTED]", text.without(said, self.own())))
