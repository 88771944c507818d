"""What only the database server can do to us."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from irkit.errors import UsageError
from irkit.triggers.queue.door import PATIENCE
from irkit.triggers.queue.opening import opened
from irkit.triggers.queue.protocol import Fate, Queue, QueueError
from tests.triggers.queue.hands import put, take
from tests.triggers.queue.server import Server, started
from tests.waiting import until


@pytest.fixture
def mortal(postgres: Server) -> Iterator[Server]:
    """A server that may be killed without harm to other tests."""
    with started(postgres.programs) as server:
        yield server


def postmaster(server: Server) -> int:
    return int((server.folder / "data/postmaster.pid").read_text().splitlines()[0])


def test_a_server_that_is_killed_loses_nothing_and_is_found_again(mortal: Server) -> None:
    store = opened(mortal.schema())
    put(store.queue, "k")
    os.kill(postmaster(mortal), signal.SIGQUIT)  # immediate: as if the power had gone
    with pytest.raises(QueueError):
        for _ in range(1000):  # until its death is felt
            put(store.queue, "k")
    mortal.start()
    assert put(store.queue, "k").fate is Fate.DUPLICATE
    store.queue.done(take(store.queue))
    store.close()


def processes(server: Server) -> list[int]:
    """The postmaster and all that it started."""
    first = postmaster(server)
    return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]


def test_a_server_that_says_nothing_is_given_up_in_seconds_and_found_again(mortal: Server) -> None:
    store = opened(mortal.schema())
    put(store.queue, "k")
    stopped = processes(mortal)
    for one in stopped:
        os.kill(one, signal.SIGSTOP)  # its sockets take every byte, and answer none
    try:
        began = time.monotonic()
        with ThreadPoolExecutor(4) as senders:
            for answer in [senders.submit(put, store.queue, "other") for _ in range(4)]:
                with pytest.raises(QueueError):
                    answer.result()
        assert time.monotonic() - began < 4 * PATIENCE
    finally:
        for one in stopped:
            os.kill(one, signal.SIGCONT)
    assert put(store.queue, "k").fate is Fate.DUPLICATE
    store.close()


def test_who_is_stopped_within_a_transaction_keeps_nobody_out_for_long(postgres: Server) -> None:
    address = postgres.schema()
    stopped, other = opened(address), opened(address)
    with pytest.raises(QueueError, match="idle"), stopped.door.writing(opens=True) as made:
        until(lambda: _put(other.queue), "the lock is free")
        made.rows("SELECT 1")
    for store in (stopped, other):
        store.close()


def _put(queue: Queue) -> bool:
    try:
        return put(queue, "k").new
    except QueueError:  # the lock was not free in time
        return False


def test_a_server_that_may_forget_is_refused(mortal: Server) -> None:
    address = mortal.schema()
    with (mortal.folder / "data/postgresql.auto.conf").open("a") as settings:
        settings.write("fsync = off\n")
    mortal.control("reload")
    with pytest.raises(QueueError, match="fsync"):
        for _ in range(1000):  # until the server has read its settings
            opened(address).close()


def test_commits_wait_for_the_disk_whatever_the_database_says(postgres: Server) -> None:
    from irkit.triggers.queue.postgres import PostgresDoor

    door = PostgresDoor(postgres.schema() + "%20-csynchronous_commit%3Doff", None)
    with door.reading() as found:
        assert found.rows("SHOW synchronous_commit") == [("on",)]
    door.close()


@pytest.mark.parametrize(
    "address", ["postgresql://irkit:s3cret@/x?host=/nowhere", "postgresql://irkit:s3cret%@host/x?nonsense=1"]
)
def test_no_password_is_shown(address: str) -> None:
    with pytest.raises((QueueError, UsageError)) as caught:
        opened(address)
    chain: BaseException | None = caught.value
    while chain:
        assert "s3cret" not in str(chain)
        chain = chain.__cause__
