"""A step's leave to act: taken away when its time is up or the run is interrupted, and then nothing it does counts.

What it began to change is in the journal by then, and what it wants to change afterwards it is kept from, since every
change and every artifact asks here first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

from irkit.errors import DeadlineExceeded
from irkit.model.run import Outcome, Status
from irkit.playbook.drive.guarded import guarded

GRACE = 5.0  # seconds after its time is up in which a step may still come to rest


class Lease:
    """Leave to act for so many seconds; None: for as long as it takes. It ends with the lease that it is part of."""

    def __init__(self, seconds: float | None = None, part_of: Lease | None = None) -> None:
        self._over, self._whole = Event(), part_of
        self._end = None if seconds is None else time.monotonic() + seconds

    def check(self) -> None:
        """Raise DeadlineExceeded once it is over."""
        if self._over.is_set():
            raise DeadlineExceeded("the step's time is up")
        if self._whole:
            self._whole.check()

    def end(self) -> None:
        """Take it away."""
        self._over.set()

    @property
    def left(self) -> float | None:
        """Seconds, at least one tenth; None for no end."""
        return None if self._end is None else max(0.1, self._end - time.monotonic())


def held(act: Callable[[], Outcome], lease: Lease) -> Outcome:
    """How `act` ends, at the latest when its lease does: failed then, with what it has journalled so far."""
    seconds = lease.left
    if seconds is None:
        return guarded(act)
    ended: list[Outcome | BaseException] = []
    thread = Thread(target=_run, args=(act, ended), name="a step with an end", daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:
        late = thread.is_alive()
        lease.end()
    if late:
        thread.join(GRACE)
        return Outcome(Status.FAILED, f"it did not end within {seconds:.0f} s; what it had by then is kept")
    (how,) = ended
    if isinstance(how, BaseException):
        raise how
    return how


def _run(act: Callable[[], Outcome], ended: list[Outcome | BaseException]) -> None:
    try:
        ended.append(guarded(act))
    except BaseException as error:  # raised again in the thread that waits
        ended.append(error)
