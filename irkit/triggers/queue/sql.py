"""The five methods of a queue, in SQL that SQLite and PostgreSQL both understand."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from irkit.text import safe
from irkit.triggers.queue.door import Door, Row, Transaction, instant, micros
from irkit.triggers.queue.protocol import Fate, Item, Job, LeaseLost, Placed, State

MAX_NAME = 256  # characters of a kind, key, group or worker
MAX_WORD = 1000  # characters of a reason
LONGEST = timedelta(minutes=10)  # of a lease: one that ends later was given before the clock was set back

_OPEN = "state IN ('waiting', 'leased')"
_AHEAD = "due > ? AND (state = 'waiting' AND due = created OR state = 'leased' AND due > ?)"
# As the index says it: no planner sees by itself that the group asked for is none of those it leaves out.
_GROUP = f"SELECT id FROM irkit_job WHERE kind = ? AND grp = ? AND grp <> '' AND {_OPEN} /*lock*/"  # noqa: S608 - a constant
_KNOWN = "SELECT job FROM irkit_delivery WHERE kind = ? AND dedupe = ?"
_JOB = """INSERT INTO irkit_job
    (kind, grp, state, attempts, max_attempts, token, created, due, settled, worker, word, replay_of)
    VALUES (?, ?, ?, 0, ?, 0, ?, ?, ?, '', ?, ?)"""
_DELIVERY = "INSERT INTO irkit_delivery (job, kind, dedupe, body, arrived) VALUES (?, ?, ?, ?, ?)"
_FIRST = "SELECT dedupe, body FROM irkit_delivery WHERE job = ? ORDER BY id LIMIT 1"
_LEASE = "UPDATE irkit_job SET state = 'leased', attempts = attempts + 1, token = ?, due = ?, worker = ? WHERE id = ?"
_DIE = "UPDATE irkit_job SET state = 'dead', settled = ?, word = ? WHERE id = ?"
_BEAT = "UPDATE irkit_job SET due = ? WHERE id = ? AND token = ? AND state = 'leased' AND due > ?"
DONE = """UPDATE irkit_job SET state = 'done', settled = ?, word = ?
    WHERE id = ? AND token = ? AND state = 'leased' AND due > ?"""
_FAIL = """UPDATE irkit_job SET state = ?, due = ?, settled = ?, word = ?, attempts = attempts - ?
    WHERE id = ? AND token = ? AND state = 'leased' AND due > ?"""


class SqlQueue:
    """A `Queue` behind a door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def put(self, items: Sequence[Item]) -> tuple[Placed, ...]:
        """One transaction, and so one wait for the disk, however many items."""
        with self._door.writing(opens=True) as made:
            return tuple(_place(made, item) for item in items)

    def take(self, worker: str, lease: timedelta, kinds: Collection[str] = ()) -> Job | None:
        """The job that has been due longest."""
        with self._door.writing() as made:
            while row := _next(made, [name(kind) for kind in kinds]):
                if row[3] < row[4]:
                    return _lease(made, row, name(worker), made.now + lease)
                word = f"the lease of attempt {row[3]} ran out, and it was the last"
                made.change(_DIE, [micros(made.now), word, row[0]])
            return None

    def beat(self, job: Job, lease: timedelta) -> Job:
        """The lease counts from now, not from when it would have run out."""
        with self._door.writing() as made:
            expires = made.now + lease
            held(made, job, _BEAT, micros(expires))
            return replace(job, expires=expires)

    def done(self, job: Job, word: str = "") -> None:
        """Settled, unless the lease ran out."""
        with self._door.writing() as made:
            held(made, job, DONE, micros(made.now), said(word))

    def fail(self, job: Job, why: str, after: timedelta | None = None, *, counts: bool = True) -> State:
        """Waiting again, or dead."""
        with self._door.writing() as made:
            last = counts and job.attempts >= _allowed(made, job)
            if after is None or last:
                held(made, job, _FAIL, State.DEAD, micros(made.now), micros(made.now), said(why), 0)
                return State.DEAD
            held(made, job, _FAIL, State.WAITING, micros(made.now + after), None, said(why), 0 if counts else 1)
            return State.WAITING


def name(text: str) -> str:
    """`text`, or where it is long or holds characters that a database or a terminal will not take, a name for it."""
    clean = safe(text)
    if clean == text and len(text) <= MAX_NAME:
        return text
    return f"{clean[:100]}#{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def said(text: str) -> str:
    """A reason as it is kept."""
    return safe(text)[:MAX_WORD]


def find_open(made: Transaction, kind: str, group: str) -> int | None:
    """The open job of a group, kept from being settled until this transaction ends; None when there is none."""
    if not group:
        return None
    rows = made.rows(_GROUP, [kind, group])
    return int(rows[0][0]) if rows else None


def add(made: Transaction, item: Item, *, replay_of: int | None = None) -> int:
    """A new job with its first delivery; `item` has names that were checked."""
    now = micros(made.now)
    state = State.DEAD if item.dead else State.WAITING
    due = micros(item.not_before) if item.not_before else now
    settled = now if item.dead else None
    row = [item.kind, item.group, state, item.max_attempts, now, due, settled, said(item.dead), replay_of]
    job = made.insert(_JOB, row)
    made.insert(_DELIVERY, [job, item.kind, item.key or f"replay-{job}", item.body, now])
    return job


def _place(made: Transaction, item: Item) -> Placed:
    item = replace(item, kind=name(item.kind), key=name(item.key), group=name(item.group))
    if known := made.rows(_KNOWN, [item.kind, item.key]):
        return Placed(known[0][0], Fate.DUPLICATE)
    joined = None if item.dead else find_open(made, item.kind, item.group)
    if joined is None:
        return Placed(add(made, item), Fate.NEW)
    made.insert(_DELIVERY, [joined, item.kind, item.key, item.body, micros(made.now)])
    return Placed(joined, Fate.COALESCED)


def _next(made: Transaction, kinds: Sequence[str]) -> Row | None:
    """The job to be taken now; None where nothing is due.

    A clock that was ahead and is set back (a machine whose own clock is wrong until the network tells it) must not put
    off for hours what was to be done at once, nor keep a dead worker's job for it.
    """
    now = made.now
    found = made.rows(_select("due <= ?", len(kinds)), [micros(now), *kinds])
    found = found or made.rows(_select(_AHEAD, len(kinds)), [micros(now), micros(now + LONGEST), *kinds])
    return found[0] if found else None


def _select(when: str, kinds: int) -> str:
    among = f" AND kind IN ({', '.join('?' * kinds)})" if kinds else ""
    columns = "id, kind, grp, attempts, max_attempts, token, created"
    return f"SELECT {columns} FROM irkit_job WHERE {_OPEN} AND {when}{among} ORDER BY due, id LIMIT 1 /*skip*/"  # noqa: S608 - no value is put into it


def _lease(made: Transaction, row: Row, worker: str, expires: datetime) -> Job:
    job, kind, group, attempts, _, token, created = row
    made.change(_LEASE, [token + 1, micros(expires), worker, job])
    key, body = made.rows(_FIRST, [job])[0]
    return Job(job, kind, key, bytes(body), group, attempts + 1, token + 1, instant(created), expires)


def held(made: Transaction, job: Job, statement: str, *values: object) -> None:
    """Change a job as its holder; raises LeaseLost for anybody else."""
    if not made.change(statement, [*values, job.id, job.token, micros(made.now)]):
        raise LeaseLost(f"the lease on job {job.id} is lost: it ran out, or the job is settled")


def _allowed(made: Transaction, job: Job) -> int:
    rows = made.rows("SELECT max_attempts FROM irkit_job WHERE id = ?", [job.id])
    return int(rows[0][0]) if rows else 0
