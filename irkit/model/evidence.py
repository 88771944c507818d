"""What was collected and what was not. Failure to collect is data, never an exception that ends a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API server, as evidence records it."""

    method: str
    url: str  # path and query, without the server's address
    status: int
    started: datetime
    elapsed: float  # seconds until the last byte
    server_date: str | None = None  # None: the answer had no Date header
    audit_id: str | None = None  # None: no Audit-Id header (auditing off, or a proxy dropped it)


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of evidence. `path` is relative to the bundle's `data/`, such as `logs/app.current.log`."""

    path: str
    collector: str
    sha256: str
    size: int  # bytes
    collected: datetime
    source: Call | None = None  # None: not from the API server (an audit file, something irkit computed)
    truncated: bool = False
    about: str = ""  # one line for the reader: "current log of container app"


class GapReason(StrEnum):
    """Why something is missing."""

    DENIED = "denied"  # 401, 403: a finding about our rights
    ABSENT = "absent"  # 404: should or could have been there, and is not
    NEVER_EXISTED = "never-existed"  # by nature: no previous log of a container that never restarted
    UNREACHABLE = "unreachable"  # no answer, 429, 5xx
    DEADLINE = "deadline"  # the time allowed ran out
    TRUNCATED = "truncated"  # a part is there; a byte cap or a cut stream took the rest
    NO_ROOM = "no-room"  # the disk is short; a resumed run takes it once there is room
    REPLACED = "replaced"  # the name now belongs to another pod
    INVALID = "invalid"  # there, but not what it should be (an audit file that is not an audit log)
    FAILED = "failed"  # anything else; the detail says what


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that should be in the bundle and is not, with what would have helped."""

    collector: str
    target: str  # "previous log of container app"
    reason: GapReason
    detail: str  # one line
    remedy: str = ""  # one line; "" when nothing helps

    @property
    def expected(self) -> bool:
        """True when nothing was lost: there never was such a thing."""
        return self.reason is GapReason.NEVER_EXISTED
