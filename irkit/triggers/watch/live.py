"""News for pages that are open: one look a second for all of them, and a line to each when something has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

MOST = 32  # pages that are kept informed at once
EVERY = 0.5  # seconds between two looks
BEAT = 15.0  # seconds after which a line goes out in any case, or what is between us takes us for dead


@dataclass(slots=True)
class News:
    """`look` tells a mark that changes with the page, and blocks; it is asked by one page for all."""

    look: Callable[[], str]
    open: int = 0
    _mark: str = ""
    _looked: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def stream(self, goes_on: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Server-sent events while `goes_on`: the mark at first, and whenever it is another."""
        self.open += 1
        try:
            told, spoke = "", time.monotonic()
            while goes_on():
                mark = await self._now()
                if mark != told:
                    yield f"event: mark\ndata: {mark}\n\n".encode()
                    told, spoke = mark, time.monotonic()
                elif time.monotonic() - spoke > BEAT:
                    yield b": still here\n\n"
                    spoke = time.monotonic()
                await asyncio.sleep(EVERY)
        finally:
            self.open -= 1

    async def _now(self) -> str:
        async with self._lock:
            if time.monotonic() - self._looked >= EVERY:
                self._mark = await asyncio.to_thread(self.look)
                self._looked = time.monotonic()
            return self._mark
