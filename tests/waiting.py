"""Waiting for what another thread, process or controller does."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(true: Callable[[], object], what: str = "it comes true", seconds: float = 60) -> None:
    """Look until `true`; fails where that takes too long, saying `what` was waited for."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.05)
