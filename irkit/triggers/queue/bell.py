"""A bell in one process: who puts a job rings, who has none to do waits for it instead of asking again and again."""

from __future__ import annotations

from threading import Condition


class Bell:
    """Counts its rings, so that one between looking and waiting is not missed."""

    def __init__(self) -> None:
        self._changed, self._rings = Condition(), 0

    @property
    def rings(self) -> int:
        """How often it rang so far: read before looking, for `wait`."""
        return self._rings

    def ring(self) -> None:
        """Wake everybody."""
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def wait(self, since: int, seconds: float) -> None:
        """Until it rang once more than `since`, or so long: what other processes put rings nothing here."""
        with self._changed:
            self._changed.wait_for(lambda: self._rings != since, seconds)
