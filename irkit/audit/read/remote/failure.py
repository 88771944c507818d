"""Why a source that lies elsewhere cannot be fetched."""

from __future__ import annotations

from irkit.model.evidence import GapReason


class Failure(Exception):
    """Becomes the gap of that source."""

    def __init__(self, reason: GapReason, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.remedy = reason, detail, remedy
