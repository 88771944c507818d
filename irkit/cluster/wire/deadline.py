"""How long a call may take."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from irkit.errors import DeadlineExceeded

LATE = "allow more time, or look at how busy the API server is"


@dataclass(frozen=True, slots=True)
class Deadline:
    """An end on the monotonic clock, and the longest silence of the peer (both seconds)."""

    ends: float = math.inf
    silence: float = math.inf

    def sooner(self, seconds: float) -> Deadline:
        """This deadline, or `seconds` from now if that is earlier."""
        return Deadline(min(self.ends, time.monotonic() + seconds), self.silence)

    def left(self) -> float:
        """How long the next wait for the peer may last; raises DeadlineExceeded when the time is over."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("the time allowed ran out", LATE)
        return min(left, self.silence)
