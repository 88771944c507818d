"""The desk of a queue: what people see of it and set right."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from irkit.errors import Refused, UsageError
from irkit.triggers.queue.door import Door, Row, Transaction, instant, micros
from irkit.triggers.queue.protocol import Delivery, Entry, Item, State
from irkit.triggers.queue.sql import add, find_open

_MOST = (1 << 63) - 1  # the largest number that either database can be asked about
_COLUMNS = """j.id, j.kind, (SELECT dedupe FROM irkit_delivery d WHERE d.job = j.id ORDER BY d.id LIMIT 1), j.grp,
    j.state, j.attempts, j.max_attempts, j.created, j.due, (SELECT count(*) FROM irkit_delivery d WHERE d.job = j.id),
    j.worker, j.settled, j.word, j.replay_of"""
_BODY = "SELECT body FROM irkit_delivery WHERE job = ? ORDER BY id LIMIT 1"
_DELIVERIES = "SELECT dedupe, body, arrived FROM irkit_delivery WHERE job = ? ORDER BY id"
_RETRY = "UPDATE irkit_job SET state = 'waiting', attempts = 0, due = ?, settled = NULL WHERE id = ? AND state = 'dead'"
_OLD = "SELECT id FROM irkit_job WHERE settled < ? AND (state = 'done' OR state = ?) LIMIT 500 /*skip*/"


class SqlDesk:
    """A `Desk` behind a door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ls(self, states: Collection[State] = (), limit: int = 100) -> tuple[Entry, ...]:
        """The newest first."""
        among = f" WHERE j.state IN ({', '.join('?' * len(states))})" if states else ""
        statement = f"SELECT {_COLUMNS} FROM irkit_job j{among} ORDER BY j.id DESC LIMIT ?"  # noqa: S608 - no value is put into it
        with self._door.reading() as found:
            return tuple(map(_entry, found.rows(statement, [*states, min(limit, _MOST)])))

    def show(self, job: int) -> tuple[Entry, tuple[Delivery, ...]]:
        """With every body."""
        with self._door.reading() as found:
            entry = _find(found, job)
            rows = found.rows(_DELIVERIES, [job])
        return entry, tuple(Delivery(key, bytes(body), instant(at)) for key, body, at in rows)

    def counts(self) -> dict[State, int]:
        """Zero where there are none."""
        with self._door.reading() as found:
            rows = found.rows("SELECT state, count(*) FROM irkit_job GROUP BY state")
        return {state: 0 for state in State} | {State(state): count for state, count in rows}

    def retry(self, job: int) -> Entry:
        """The attempts are counted anew; the token goes on, so what was fenced off stays so."""
        with self._door.writing(opens=True) as made:
            entry = _find(made, job)
            if entry.state is not State.DEAD:
                raise Refused(f"job {job} is {entry.state}, not a dead letter", "irkit queue replay does it once more")
            _refuse_open(made, entry)
            made.change(_RETRY, [micros(made.now), job])
            return _find(made, job)

    def replay(self, job: int) -> Entry:
        """The original stays as it is."""
        with self._door.writing(opens=True) as made:
            entry = _find(made, job)
            if entry.state not in (State.DONE, State.DEAD):
                raise Refused(f"job {job} is still {entry.state}", "wait until it ends")
            _refuse_open(made, entry)
            body = bytes(made.rows(_BODY, [job])[0][0])
            again = Item(entry.kind, "", body, entry.group, max_attempts=entry.max_attempts)
            return _find(made, add(made, again, replay_of=job))

    def forget(self, before: datetime, *, dead: bool = False) -> int:
        """A job and its deliveries go together; some at a time, so that nobody waits long for the lock."""
        forgotten = 0
        while some := self._forget_some([micros(before), State.DEAD if dead else State.DONE]):
            forgotten += some
        return forgotten

    def _forget_some(self, which: list[object]) -> int:
        with self._door.writing() as made:
            old = made.rows(_OLD, which)
            for row in old:
                made.change("DELETE FROM irkit_delivery WHERE job = ?", row)
                made.change("DELETE FROM irkit_job WHERE id = ?", row)
            return len(old)


def _find(found: Transaction, job: int) -> Entry:
    rows = found.rows(f"SELECT {_COLUMNS} FROM irkit_job j WHERE j.id = ?", [min(job, _MOST)])  # noqa: S608 - constants
    if not rows:
        raise UsageError(f"no job {job} in the queue", "irkit queue ls shows them")
    return _entry(rows[0])


def _refuse_open(made: Transaction, entry: Entry) -> None:
    if (other := find_open(made, entry.kind, entry.group)) is not None:
        raise Refused(f"job {other} of the same group is open", "wait until it ends")


def _entry(row: Row) -> Entry:
    job, kind, key, group, state, attempts, most, created, due, count, worker, settled, word, replay_of = row
    return Entry(
        id=job,
        kind=kind,
        key=key,
        group=group,
        state=State(state),
        attempts=attempts,
        max_attempts=most,
        created=instant(created),
        due=instant(due),
        deliveries=count,
        worker=worker,
        expires=instant(due) if state == State.LEASED else None,
        settled=None if settled is None else instant(settled),
        word=word,
        replay_of=replay_of,
    )
