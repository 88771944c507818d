"""Real processes at a queue, to be killed: `python -m tests.triggers.queue.worker ROLE ADDRESS LOG ...`.

work   take and complete for ever; a line `ID TOKEN` in LOG for each completion that was confirmed
feed   put the items FIRST..LAST; a line `KEY` in LOG for each that was acknowledged
stall  take one job, say `taken`, wait for a line on stdin, then say `done` or `lost`
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from time import sleep

from irkit.triggers.queue.opening import opened
from irkit.triggers.queue.protocol import Item, LeaseLost, Queue, QueueError

LEASE = timedelta(seconds=1)
NAP = 0.02
DEED = 0.01  # seconds that a job takes: long enough to be killed in
# A test kills workers as often as it likes: that must not use up the attempts.
MAX_ATTEMPTS = 1_000


def _log(log: Path, *words: object) -> None:
    with log.open("ab", buffering=0) as out:
        out.write((" ".join(map(str, words)) + "\n").encode())


def work(queue: Queue, log: Path) -> None:
    """A worker that never rests for long."""
    while True:
        job = queue.take(log.stem, LEASE)
        if job is None:
            sleep(NAP)  # the queue tells nobody that there is something to do: workers ask
            continue
        try:
            job = queue.beat(job, LEASE)
            sleep(DEED)
            queue.done(job, str(job.token))
        except LeaseLost:
            continue
        _log(log, job.id, job.token)


def feed(queue: Queue, log: Path, first: int, last: int) -> None:
    """A sender that tries again what was not acknowledged."""
    for number in range(first, last):
        item = Item("alert", f"k{number}", b"{}", max_attempts=MAX_ATTEMPTS)
        while True:
            try:
                queue.put([item])
                break
            except QueueError:
                sleep(NAP)  # what a sender does on 503
        _log(log, item.key)


def stall(queue: Queue) -> None:
    """A worker that is stopped between taking a job and completing it."""
    job = queue.take("stalled", LEASE)
    assert job
    print("taken", flush=True)
    sys.stdin.readline()
    try:
        queue.done(job, "stalled")
    except LeaseLost:
        print("lost", flush=True)
    else:
        print("done", flush=True)


def main(role: str, address: str, *rest: str) -> None:
    """Play a role."""
    queue = opened(address).queue
    match role:
        case "work":
            work(queue, Path(rest[0]))
        case "feed":
            feed(queue, Path(rest[0]), int(rest[1]), int(rest[2]))
        case _:
            stall(queue)


if __name__ == "__main__":
    main(*sys.argv[1:])
