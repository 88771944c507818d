"""SNS's signing certificates: from a file, or fetched from Amazon, seldom, and kept."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from irkit import times
from irkit.errors import UsageError
from irkit.triggers.auth.guard import Denied, Why

MAX_BYTES = 16 * 1024
# Amazon changes them about once a year. Who is not authenticated yet may not make us fetch without end.
FETCHES, PER = 20, timedelta(hours=1)


def from_file(path: Path) -> FromFile:
    """For a server that may not reach Amazon; raises UsageError."""
    try:
        return FromFile(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class FromFile:
    """One certificate in PEM, whatever the URL."""

    pem: bytes

    def __call__(self, url: str) -> bytes:
        """The certificate."""
        return self.pem


@dataclass(slots=True)
class Fetched:
    """Certificates by URL, fetched once. The caller has checked that the URL is Amazon's."""

    clock: times.Clock
    fetch: Callable[[str], bytes]
    _kept: dict[str, bytes] = field(default_factory=dict)
    _fetches: deque[datetime] = field(default_factory=lambda: deque(maxlen=FETCHES))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, url: str) -> bytes:
        """The certificate; raises Denied."""
        with self._lock:
            if url not in self._kept:
                now = self.clock()
                if len(self._fetches) == FETCHES and now - self._fetches[0] < PER:
                    raise Denied(Why.WRONG)
                self._fetches.append(now)
                self._kept[url] = self.fetch(url)
            return self._kept[url]


def over_https(url: str) -> bytes:
    """What stands at `url`, redirected nowhere; raises Denied."""
    import urllib3

    try:
        answer = urllib3.request("GET", url, redirect=False, retries=False, timeout=5.0, preload_content=False)
        body = answer.read(MAX_BYTES)
        answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise Denied(Why.WRONG) from error
    if answer.status != 200:
        raise Denied(Why.WRONG)
    return body
