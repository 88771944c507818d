"""A sealed bundle, and the proof that somebody holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bundle:
    """A sealed `.tar.gz` on this machine."""

    path: Path
    sha256: str  # of the .tar.gz
    size: int  # bytes
    files: int  # payload files


@dataclass(frozen=True, slots=True)
class Receipt:
    """A destination holds the bundle, and was asked back to show it."""

    url: str
    sha256: str
    size: int
    stored: datetime
    etag: str | None = None  # None: a folder has none
    version_id: str | None = None  # None: the bucket keeps no versions
    lock_mode: str | None = None  # None: no retention
    retain_until: datetime | None = None
    legal_hold: bool = False
    kms_key: str | None = None  # None: not encrypted under a KMS key
    warnings: tuple[str, ...] = ()  # what this store cannot promise


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a bundle."""

    path: str
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `bundle verify` found."""

    ok: bool
    files: int
    problems: tuple[Problem, ...] = ()
    signature: str = "unsigned"
    custody: str = ""  # "intact, 41 entries, head sha256:..."
    timestamp: str = ""  # "not asked for", "there is one: ...", or the instant that an authority vouches for
