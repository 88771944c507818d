"""What every way of authentication has in common: secrets that do not show, comparison that does not tell, refusals."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from irkit.errors import UsageError
from irkit.triggers.formats.reading.delivery import Delivery

WINDOW = timedelta(minutes=5)
SHORTEST = 16


class Why(StrEnum):
    """Why a request is not let in; counted, and told to nobody outside but by the status."""

    MISSING = "missing"  # no credential, no signature, no timestamp
    WRONG = "wrong"
    STALE = "stale"  # signed too long ago, or in the future: a replay, or a clock that is off


class Denied(Exception):
    """The request is not the sender's."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class Guard(Protocol):
    """One way of authentication with the secrets of one source."""

    @property
    def status(self) -> int:
        """The HTTP status of a refusal."""
        ...

    def check(self, delivery: Delivery) -> None:
        """Return if the delivery is the sender's; raises Denied."""
        ...


@dataclass(frozen=True, slots=True)
class Secret:
    """Bytes that never show: not in a repr, a log or an error."""

    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) < SHORTEST:
            raise UsageError(f"a secret shorter than {SHORTEST} bytes", "head -c 32 /dev/urandom | base64")

    def __repr__(self) -> str:
        return "Secret(...)"


def matches(given: Iterable[bytes], expected: Sequence[bytes]) -> bool:
    """Whether any of `given` is any of `expected`; every pair is compared, so time does not tell which."""
    return any([hmac.compare_digest(one, other) for one in given for other in expected])


def header(delivery: Delivery, name: str) -> bytes:
    """The bytes of a header; which were decoded as Latin-1; raises Denied where there is none."""
    if not (value := delivery.headers.get(name)):
        raise Denied(Why.MISSING)
    return value.encode("latin-1", "replace")


def fresh(seconds: bytes, received: datetime, window: timedelta = WINDOW) -> None:
    """Return if a Unix time in digits is at most `window` from `received`, either way; raises Denied."""
    if not (seconds.isdigit() and len(seconds) <= 11):
        raise Denied(Why.WRONG)
    if abs(received.timestamp() - int(seconds)) > window.total_seconds():
        raise Denied(Why.STALE)
