"""The pieces of a scan as jobs, and what came of them, kept until the asker takes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from irkit.triggers.queue.door import Door, micros
from irkit.triggers.queue.protocol import MAX_ATTEMPTS, Item, Job, State
from irkit.triggers.queue.sql import DONE, add, held

KIND = "audit"

_KEEP = "INSERT INTO irkit_part (scan, number, body) VALUES (?, ?, ?)"
_KEPT = "SELECT number, body FROM irkit_part WHERE scan = ? ORDER BY number LIMIT 16"
_TAKEN = "DELETE FROM irkit_part WHERE scan = ? AND number = ?"
_OURS = "kind = ? AND grp LIKE ?"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the jobs of a scan stand."""

    held: int  # by workers whose lease has not run out
    dead: dict[int, str]  # number of the piece -> why it was given up


class Parts:
    """What passes between asker and workers. Every method is one transaction; all raise QueueError."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def put(self, scan: str, units: Iterable[tuple[int, bytes]]) -> None:
        """Have these pieces read."""
        with self._door.writing(opens=True) as made:
            for number, body in units:
                key = f"{scan}/{number}"
                add(made, Item(KIND, key, body, group=key, max_attempts=MAX_ATTEMPTS))

    def keep(self, job: Job, body: bytes) -> None:
        """Settle `job` with what came of it, in one deed: who lost its lease keeps nothing. Raises LeaseLost."""
        scan, _, number = job.group.partition("/")
        with self._door.writing() as made:
            held(made, job, DONE, micros(made.now), "read")
            made.change(_KEEP, [scan, int(number), body])

    def collect(self, scan: str) -> list[tuple[int, bytes]]:
        """Take what came of some pieces, by number."""
        with self._door.reading() as found:
            rows = [(int(number), bytes(body)) for number, body in found.rows(_KEPT, [scan])]
        if rows:
            with self._door.writing() as made:
                for number, _ in rows:
                    made.change(_TAKEN, [scan, number])
        return rows

    def standing(self, scan: str) -> Standing:
        """How the scan stands now."""
        dead = f"SELECT grp, word FROM irkit_job WHERE {_OURS} AND state = '{State.DEAD}'"  # noqa: S608 - constants
        leased = f"SELECT count(*) FROM irkit_job WHERE {_OURS} AND state = '{State.LEASED}' AND due > ?"  # noqa: S608
        with self._door.reading() as found:
            ours = [KIND, f"{scan}/%"]
            count = found.rows(leased, [*ours, micros(found.now)])[0][0]
            rows = found.rows(dead, ours)
        return Standing(int(count), {int(group.partition("/")[2]): word for group, word in rows})

    def forget(self, scan: str) -> None:
        """Leave nothing of a scan behind; who still reads a piece of it loses its lease."""
        jobs = f"SELECT id FROM irkit_job WHERE {_OURS}"  # noqa: S608 - constants
        with self._door.writing() as made:
            ours = [KIND, f"{scan}/%"]
            made.change(f"DELETE FROM irkit_delivery WHERE job IN ({jobs})", ours)  # noqa: S608
            made.change(f"DELETE FROM irkit_job WHERE {_OURS}", ours)  # noqa: S608
            # Last: who is just keeping something holds its job until that is there to be seen.
            made.change("DELETE FROM irkit_part WHERE scan = ?", [scan])
