"""What every source of moments shares: what it could not read is counted, never a crash and never silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from irkit import times

T = TypeVar("T")

LARGEST = 64 << 20  # bytes of one API answer or one line that are read for the timeline
# What damaged, hostile or foreign JSON raises. RecursionError: endless nesting; OverflowError: year 1 with an offset.
UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError, OSError)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in `path` that is not in the timeline; `why` completes "3 entries of PATH ..."."""

    path: str
    why: str = "could not be read"


def instant(text: str | None) -> datetime | None:
    """The instant a field names; None for an empty field. Raises ValueError or OverflowError for a wrong one."""
    return times.parse(text) if text else None


def load(path: Path, kind: type[T]) -> T:
    """The JSON file at `path` as `kind`. Raises one of UNREADABLE."""
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} is larger than {LARGEST} bytes")
    return msgspec.json.decode(path.read_bytes(), type=kind)
