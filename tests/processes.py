"""The processes that a test has begun, and the files it holds open."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def children() -> set[int]:
    """Those of this thread, as the kernel lists them."""
    return set(map(int, Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()))


def open_files() -> int:
    """How many this process has."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
