"""One thing to take, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from irkit.model.evidence import Artifact, Gap
from irkit.model.permission import Permission

Found = Artifact | Gap


@dataclass(frozen=True, slots=True)
class Piece:
    """It becomes an Artifact at `path`, or a Gap that names `about`."""

    collector: str
    path: str  # relative to the bundle's data/, its parts slugged
    about: str  # one line: "current log of container app"
    permission: Permission | None = None  # None: it takes none (irkit computes it)
