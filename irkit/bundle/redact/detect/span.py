"""A place that has to be hidden."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

# No span that a finder returns is longer, and none depends on bytes farther before it: what windows overlap by.
LONGEST = 8 << 10
BEHIND = 24 << 10


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of a text, to be hidden because of `rule`."""

    start: int
    end: int
    rule: str
    secret: bytes | None = None  # what it stands for once decoded; None: the bytes as they are
    more: re.Pattern[bytes] | None = None  # the secret was cut at LONGEST: what matches this after it is hidden too
    quote: bytes = b""  # what the token needs around it: it replaces a bare JSON value
    lead: int = 0  # bytes before it that say what it is: no name is looked for there
    pointer: str = ""  # where in a document (RFC 6901); "" where there is none

    def moved(self, by: int) -> Span:
        """The same, in a text that has `by` bytes before this one."""
        return replace(self, start=self.start + by, end=self.end + by)
