"""What only the database server can do to us."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from irkit.errors import UsageError
from irkit.triggers.queue.opening import opened
from irkit.triggers.queue.protocol import Fate, QueueError
from tests.triggers.queue.hands import put, take
from tests.triggers.queue.server import Server, started


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
