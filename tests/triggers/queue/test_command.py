"""`irkit queue` as a person and a script use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from irkit.cli.commands import load
from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import Item, State
from tests.triggers.queue.hands import put, take


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path}/queue.db"


@pytest.fixture
def store(address: str) -> Opened:
    """A queue with one job done, one dead and one waiting."""
    made = opened(address)
    for key in ("done", "dead", "waiting"):
        put(made.queue, key, group=key, body=b"\x1b[2J token=abc")
    made.queue.done(take(made.queue), "r-1")
    made.queue.fail(take(made.queue), "no such pod")
    put(made.queue, "waiting-too", group="waiting")
    return made


def irkit(address: str, *arguments: str, code: int = 0) -> str:
    ended = CliRunner().invoke(load(), ["queue", *arguments], env={"IRKIT_QUEUE": address})
    assert ended.exit_code == code, (ended.output, ended.exception)
    return ended.stdout


def answer(address: str, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON of any shape
    return json.loads(irkit(address, *arguments, "-o", "json", code=code))


def test_ls_lists_and_counts(store: Opened, address: str) -> None:
    listed = answer(address, "ls")
    assert [(job["key"], job["state"]) for job in listed["jobs"]] == [
        ("waiting", "waiting"),
        ("dead", "dead"),
        ("done", "done"),
    ]
    assert listed["counts"] == {"waiting": 1, "leased": 0, "done": 1, "dead": 1}
    assert [job["key"] for job in answer(address, "ls", "--state", "dead", "--state", "done")["jobs"]] == [
        "dead",
        "done",
    ]
    assert "no such pod" in irkit(address, "ls")


def test_show_tells_of_bodies_and_shows_them_only_when_asked(store: Opened, address: str) -> None:
    number = str(store.desk.ls()[0].id)
    assert len(answer(address, "show", number)["deliveries"]) == 2
    assert "token" not in irkit(address, "show", number) + irkit(address, "show", number, "-o", "json")
    shown = irkit(address, "show", number, "--body")
    assert "token=abc" in shown
    assert "\x1b" not in shown


def test_retry_and_replay(store: Opened, address: str) -> None:
    done, dead = (store.desk.ls([state])[0].id for state in (State.DONE, State.DEAD))
    answer(address, "retry", str(dead), "--dry-run")
    assert store.desk.show(dead)[0].state is State.DEAD
    assert answer(address, "retry", "--all")["jobs"][0]["id"] == dead
    assert store.desk.show(dead)[0].state is State.WAITING
    (replayed,) = answer(address, "replay", str(done))["jobs"]
    assert replayed["replay_of"] == done
    assert "error" in answer(address, "retry", str(done), code=3)


def test_purge_forgets(store: Opened, address: str) -> None:
    assert answer(address, "purge", "--before", "1d")["forgotten"] == 0
    assert answer(address, "purge", "--before", "0s", "--dry-run")["forgotten"] == 1
    assert answer(address, "purge", "--before", "0s", "--dead")["forgotten"] == 2
    assert [job.state for job in store.desk.ls()] == [State.WAITING]


@pytest.mark.parametrize(
    "arguments",
    [
        ("ls", "--state", "gone"),
        ("retry",),
        ("retry", "1", "--all"),
        ("replay",),
        ("show", "99"),
        ("purge", "--before", "x"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(store: Opened, address: str, arguments: tuple[str, ...]) -> None:
    assert "error" in answer(address, *arguments, code=2)


def test_looking_makes_no_queue(tmp_path: Path) -> None:
    assert "no queue" in answer(f"sqlite://{tmp_path}/typo.db", "ls", code=2)["error"]["message"]
    assert list(tmp_path.iterdir()) == []


def test_hostile_words_are_shown_harmless(address: str) -> None:
    store = opened(address)
    store.queue.put([Item("alert", "\x1b]0;owned\x07", b"", dead="\x1b[31mred")])
    store.close()
    assert "\x1b" not in irkit(address, "ls")
