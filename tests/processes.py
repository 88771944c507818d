"""The processes that a test has begun."""

from __future__ import annotations

import threading
from pathlib import Path


def children() -> set[int]:
    """Those of this thread, as the kernel lists them."""
    return set(map(int, Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()))
