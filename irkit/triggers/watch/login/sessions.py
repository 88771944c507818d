"""Browsers that are logged in, in memory: who starts the server anew logs everybody out."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from irkit.playbook.approvals.standing import Person
from irkit.times import Clock

LENGTH = timedelta(hours=8)  # a shift
MOST = 1000  # at once; the oldest makes room


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. `csrf` is in each of its forms, so that no other site can send one."""

    person: Person
    csrf: str
    until: datetime


@dataclass(slots=True)
class Sessions:
    """By the hash of what the browser holds: how long a look-up takes then tells nothing about the secret."""

    clock: Clock
    _open: dict[str, Session] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, person: Person) -> str:
        """The secret of a new session, for the browser's cookie."""
        secret, now = secrets.token_urlsafe(32), self.clock()
        with self._lock:
            self._open = {key: one for key, one in self._open.items() if one.until > now}
            while len(self._open) >= MOST:
                del self._open[next(iter(self._open))]
            self._open[_hashed(secret)] = Session(person, secrets.token_urlsafe(32), now + LENGTH)
        return secret

    def find(self, secret: str) -> Session | None:
        """The session of a cookie; None when there is none, or no longer."""
        with self._lock:
            session = self._open.get(_hashed(secret))
        return session if session and session.until > self.clock() else None

    def end(self, secret: str) -> None:
        """Log out."""
        with self._lock:
            self._open.pop(_hashed(secret), None)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
