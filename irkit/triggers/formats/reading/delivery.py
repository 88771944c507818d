"""One request as it came in, and what a format makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from irkit import digest
from irkit.model.alert import Alert
from irkit.triggers.formats.reading.strict import CAP


@dataclass(frozen=True)
class Delivery:
    """The raw body and the headers, names in lower case. `source` is the name of the path it came in by."""

    source: str
    body: bytes
    received: datetime
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """Of the body, in hex; each of its alerts, which may be thousands, bears it."""
        return digest.of_bytes(self.body)


# Raises BadAlert and nothing else. No alerts: understood, and there is nothing to do (a ping, a note on an incident).
Parse = Callable[[Delivery], tuple[Alert, ...]]


@dataclass(frozen=True, slots=True)
class Format:
    """One sender's language: `cap` is the largest body in bytes."""

    name: str
    parse: Parse
    cap: int = CAP
