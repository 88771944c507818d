"""Who asks for a scan: cuts it up, waits for the workers, and gives what they found in the order of the log."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from irkit.audit.afar.unit import Place, units
from irkit.audit.afar.wire import KINDS, Part, decode, kind_of, unpack
from irkit.audit.read.scan import Piece
from irkit.triggers.scan.parts import Parts

AHEAD = 64  # pieces that are out at a time: what came too early waits in memory
NAP = 0.05  # seconds between two looks at what came
PATIENCE = 60.0  # seconds in which no worker takes or answers anything, until the rest is given up
REMEDY = "start irkit queue scan where that file can be read, or scan it without --queue"

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Asker:
    """Shares out units of work by a queue; a `Share`. What no worker can read is torn, and the others stand."""

    parts: Parts
    known: dict[Path, Place] = field(default_factory=dict)  # what sources are known by, from pass to pass

    def __call__(self, work: Callable[[Piece], R], pieces: Iterable[Piece]) -> Iterator[R]:
        """The results of `work` on each piece, in order. Raises UsageError for sources no worker can reach."""
        told = enumerate(units(work, pieces, self.known))
        scan = _Scan(self.parts, secrets.token_hex(8), PATIENCE)
        result = KINDS[kind_of(work)][1]
        try:
            scan.send(told, AHEAD)
            while scan.next < scan.sent:
                part = scan.wait()
                scan.send(told, 1)
                found = result(torn=part.refused, remedy=REMEDY) if part.refused else unpack(result, part.found)
                yield found  # type: ignore[misc]  # what this kind of work gives
        finally:
            self.parts.forget(scan.name)


@dataclass(slots=True)
class _Scan:
    """One scan under way."""

    parts: Parts
    name: str
    patience: float
    next: int = 0  # the piece that is given next
    sent: int = 0
    early: dict[int, Part] = field(default_factory=dict)

    def send(self, told: Iterator[tuple[int, bytes]], count: int) -> None:
        if some := list(islice(told, count)):
            self.parts.put(self.name, some)
            self.sent += len(some)

    def wait(self) -> Part:
        """What came of the next piece, however long workers are at it."""
        moved = time.monotonic()
        while self.next not in self.early:
            came = self.parts.collect(self.name)
            self.early.update((number, decode(Part, body)) for number, body in came)
            if came:
                continue
            standing = self.parts.standing(self.name)
            if why := standing.dead.get(self.next):
                self.early[self.next] = Part(refused=why)
                break
            moved = time.monotonic() if standing.held else moved
            if time.monotonic() - moved > self.patience:
                return self._given_up()
            time.sleep(NAP)
        part = self.early.pop(self.next)
        self.next += 1
        return part

    def _given_up(self) -> Part:
        """From here on only what workers have in hand is waited for."""
        self.patience = 0.0
        self.next += 1
        return Part(refused="no worker took it")
