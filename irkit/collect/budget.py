"""How much may be taken: bytes for everything, and what has to stay free on the disk for sealing."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from irkit.errors import IrkitError

FRESH = 0.1  # seconds for which the disk is not asked again: what we take meanwhile is counted, and the reserve is wide


class Spent(IrkitError):
    """Nothing more may be taken."""


class NoRoom(Spent):
    """The disk is short: once there is room, the same may be taken after all."""


@dataclass(slots=True)
class Budget:
    """Shared by all that fills one folder; threads may share it."""

    total: int | None = None  # bytes of all artifacts; None: no cap
    reserve: int = 0  # bytes that stay free on the disk
    spent: int = 0
    lock: Lock = field(default_factory=Lock)
    free: int = 0  # bytes of the disk, as it said at `asked`, without what was taken since
    asked: float = -FRESH  # by the monotonic clock

    def spend(self, size: int, folder: Path) -> None:
        """Take `size` bytes out of the budget, or raise Spent; 0 only asks whether there is any left."""
        if self.reserve and self._short(size, folder):
            told = f"less than {self.reserve >> 20} MiB are free on the disk that holds the evidence"
            raise NoRoom(told, "free some of the disk, or lower --disk-reserve")
        with self.lock:
            left = None if self.total is None else self.total - self.spent
            if left is not None and (left < size or left == 0):
                raise Spent("the evidence has reached its limit", "repeat the capture with a higher --max-total")
            self.spent += size
            self.free -= size

    def _short(self, size: int, folder: Path) -> bool:
        """Whether the disk has no room for `size` bytes and the reserve; asked anew before it is believed."""
        now = time.monotonic()
        if now - self.asked >= FRESH or self.free < self.reserve + size:
            self.free, self.asked = _free(folder), now
        return self.free < self.reserve + size


def _free(folder: Path) -> int:
    """Bytes free for us where `folder` is, or will be."""
    try:
        return shutil.disk_usage(folder).free
    except FileNotFoundError:
        return _free(folder.parent)
