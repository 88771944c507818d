"""The watch page over plain HTTP: who is let in, what a form must bring, what the answers carry, what text may do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from irkit import times
from irkit.playbook import runs
from irkit.playbook.approvals.standing import Person
from irkit.playbook.journal import log
from irkit.playbook.rails.memory import Memory
from irkit.times import now
from irkit.triggers.queue.opening import Opened
from irkit.triggers.queue.protocol import Item
from irkit.triggers.watch.login.sessions import LENGTH, Sessions
from irkit.triggers.watch.opening import Watching
from tests.triggers.queue.hands import Turned
from tests.triggers.routing.files import FILE
from tests.triggers.watch.stage import APPROVERS, GUEST, LEAD
from tests.triggers.wire import Wire, served

FORM = "application/x-www-form-urlencoded"
EVIL = "<script>alert(1)</script>\u202e\x1b[31m"
PAGES = [
    "/watch",
    "/watch/queue",
    "/watch/queue?state=dead",
    "/watch/runs/r-1",
    "/watch/runs/r-1/report",
    "/watch/live",
]
DEEDS = ["/watch/freeze", "/watch/thaw", "/watch/logout", "/watch/runs/r-1/answer", "/watch/runs/r-1/cancel"]


@dataclass
class Guest:
    """A browser without a window."""

    wire: Wire
    cookie: str = ""

    def get(self, path: str) -> tuple[int, str, dict[str, str]]:
        status, body, headers = self.wire.send("GET", path, headers={"cookie": self.cookie})
        return status, body.decode(), headers

    def post(self, path: str, more: dict[str, str] | None = None, **fields: str) -> tuple[int, str, dict[str, str]]:
        headers = {"content-type": FORM, "cookie": self.cookie, **(more or {})}
        status, body, told = self.wire.send("POST", path, urlencode(fields).encode(), headers)
        return status, body.decode(), told

    def log_in(self, token: str = LEAD) -> Guest:
        status, _, headers = self.post("/watch/login", token=token)
        assert (status, headers["location"]) == (303, "/watch")
        self.cookie = headers["set-cookie"].partition(";")[0]
        return self

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/watch")[1])
        assert found
        return found[1]


@pytest.fixture
def guest(store: Opened, tmp_path: Path) -> Iterator[Guest]:
    (tmp_path / "approvers.yaml").write_text(APPROVERS)
    with served(FILE, store.queue, store.desk, watched=Watching(tmp_path)) as wire:
        yield Guest(wire)


def begun(home: Path, summary: str = "it began") -> None:
    """A run r-1 whose first step says `summary`, with a report."""
    folder = runs.create(home, "r-1")
    with log.opened(folder, now) as journal:
        playbook = {"name": "watched", "sha256": "0" * 64, "text": "", "source": ""}
        operator = {"os_user": "ana", "host": "here", "kubernetes_user": ""}
        journal.append(
            "run.started", run="r-1", case="r-1", playbook=playbook, inputs={}, settings={}, operator=operator,
            tool_version="1", dry_run=False,
        )  # fmt: skip
        journal.append("step.started", step="look", uses="pod.resolve@1", effect="read")
        outcome = {"status": "failed", "summary": summary, "details": {}, "actions": [], "hint": summary}
        journal.append("step.ended", step="look", outcome=outcome)
    (folder / "data" / "report").mkdir()
    (folder / "data" / "report" / "report.html").write_text("<!doctype html><title>r</title><script>1</script>")


@pytest.mark.parametrize("path", PAGES)
def test_without_a_login_there_is_nothing_to_see(guest: Guest, tmp_path: Path, path: str) -> None:
    begun(tmp_path)
    status, body, headers = guest.get(path)
    assert (status, headers.get("location")) in [(303, "/watch/login"), (401, None)]
    assert body == ""


@pytest.mark.parametrize("path", DEEDS)
def test_without_a_login_there_is_nothing_to_do(guest: Guest, tmp_path: Path, path: str) -> None:
    assert guest.post(path, why="x")[2]["location"] == "/watch/login"
    assert Memory(tmp_path).frozen() is None


@pytest.mark.parametrize("token", ["", "short", LEAD[:-1], LEAD + "x", LEAD.upper(), "\x00" * 40, "x" * 9000])
def test_a_wrong_token_is_refused_and_no_session_begins(guest: Guest, token: str) -> None:
    status, body, headers = guest.post("/watch/login", token=token)
    assert (status, "set-cookie" in headers, "Log in" in body) == (403, False, True)
    assert token == "" or token not in body


def test_a_cookie_is_for_the_page_alone_and_ends_with_the_session(guest: Guest) -> None:
    cookie = guest.post("/watch/login", token=LEAD)[2]["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/watch"} <= set(cookie.split("; "))
    guest.log_in()
    assert guest.get("/watch")[0] == 200
    assert guest.post("/watch/logout", csrf=guest.csrf)[0] == 303
    assert guest.get("/watch")[0] == 303


@pytest.mark.parametrize(
    ("headers", "csrf"),
    [
        ({}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"content-type": "text/plain"}, True),
        ({"content-type": "application/json"}, True),
    ],
)
def test_a_form_that_is_not_from_the_page_does_nothing(
    guest: Guest, tmp_path: Path, headers: dict[str, str], csrf: bool
) -> None:
    guest.log_in()
    status, body, _ = guest.post("/watch/freeze", headers, why="forged", csrf=guest.csrf if csrf else "guessed")
    assert (status, "not from this page" in body) == (403, True)
    assert Memory(tmp_path).frozen() is None


def test_one_mans_form_is_no_good_in_anothers_hands(guest: Guest, tmp_path: Path) -> None:
    other = Guest(guest.wire).log_in()
    guest.log_in()
    assert guest.post("/watch/freeze", why="x", csrf=other.csrf)[0] == 403
    assert Memory(tmp_path).frozen() is None


def test_an_enormous_form_is_not_read(guest: Guest, tmp_path: Path) -> None:
    guest.log_in()
    assert guest.post("/watch/freeze", why="x" * 100_000, csrf=guest.csrf)[0] == 403
    assert Memory(tmp_path).frozen() is None


def test_only_an_operator_may_freeze_thaw_cancel_and_retry(guest: Guest, store: Opened, tmp_path: Path) -> None:
    begun(tmp_path)
    placed = store.queue.put([Item("alert", "k", b"{}", dead="not understood")])[0]
    guest.log_in(GUEST)
    for path in ("/watch/freeze", "/watch/thaw", "/watch/runs/r-1/cancel", f"/watch/queue/{placed.id}/retry"):
        status, body, _ = guest.post(path, csrf=guest.csrf, why="x")
        assert (status, "takes the role operator" in body) == (403, True), path
    guest.log_in()
    assert guest.post(f"/watch/queue/{placed.id}/retry", csrf=guest.csrf)[0] == 303
    assert guest.post("/watch/freeze", csrf=guest.csrf, why=" ")[0] == 404
    assert guest.post("/watch/freeze", csrf=guest.csrf, why=EVIL)[0] == 303
    frozen = Memory(tmp_path).frozen()
    assert frozen
    assert (frozen.who, "\x1b" in frozen.why) == ("ana", False)
    assert guest.post("/watch/thaw", csrf=guest.csrf)[0] == 303
    assert Memory(tmp_path).frozen() is None


def test_text_of_a_run_is_shown_and_never_obeyed(guest: Guest, tmp_path: Path) -> None:
    begun(tmp_path, EVIL)
    guest.log_in()
    for path in ("/watch", "/watch/runs/r-1"):
        status, body, headers = guest.get(path)
        assert status == 200
        assert "<script>alert" not in body
        assert "\u202e" not in body
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert not re.search(r"<script>|<style|\son\w+=|style=", body)


def test_a_report_is_shown_in_a_sandbox(guest: Guest, tmp_path: Path) -> None:
    begun(tmp_path)
    status, body, headers = guest.log_in().get("/watch/runs/r-1/report")
    assert (status, "<title>r" in body) == (200, True)
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "script-src" not in headers["content-security-policy"]


@pytest.mark.parametrize("run", ["r-2", "..", "%2e%2e%2fr-1", "%2e%2e", "last%00", "x" * 300])
def test_a_run_that_is_not_there_is_said_to_be_so(guest: Guest, run: str) -> None:
    guest.log_in()
    assert guest.get(f"/watch/runs/{run}")[0] == 404
    assert guest.get(f"/watch/runs/{run}/report")[0] in (404, 503)


def test_a_run_that_was_tampered_with_is_named_and_the_others_are_shown(guest: Guest, tmp_path: Path) -> None:
    begun(tmp_path)
    journal = tmp_path / "runs" / "r-1" / log.FILE
    journal.write_bytes(journal.read_bytes().replace(b"pod.resolve@1", b"pod.dissolve@1"))
    guest.log_in()
    assert "does not follow from the line before" in guest.get("/watch")[1]
    assert guest.get("/watch/runs/r-1")[0] == 503


def test_every_answer_forbids_framing_sniffing_and_keeping(guest: Guest) -> None:
    guest.log_in()
    for path in (*PAGES[:3], "/watch/login", "/watch/watch.css", "/watch/watch.js", "/watch/nothing"):
        headers = guest.get(path)[2]
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store"), path


def test_without_the_flag_there_is_no_page(store: Opened) -> None:
    with served(FILE, store.queue, store.desk) as wire:
        assert [wire.send("GET", path)[0] for path in ("/watch", "/watch/login")] == [404, 404]


def test_a_session_lasts_a_shift() -> None:
    clock = Turned()
    sessions = Sessions(clock)
    secret = sessions.begin(Person("ana"))
    assert sessions.find(secret)
    assert sessions.find(secret + "x") is None
    clock.turn(LENGTH - timedelta(seconds=1))
    assert sessions.find(secret)
    clock.turn(timedelta(seconds=1))
    assert sessions.find(secret) is None


def test_the_page_hears_of_what_changes(guest: Guest, store: Opened) -> None:
    """Read as a browser reads it: a mark at first, another once something has come in."""
    import http.client
    from urllib.parse import urlsplit

    guest.log_in()
    connection = http.client.HTTPConnection(urlsplit(guest.wire.url).netloc, timeout=20)
    connection.request("GET", "/watch/live", headers={"cookie": guest.cookie})
    answer = connection.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    first = [answer.readline() for _ in range(3)]
    store.queue.put([Item("alert", "k", json.dumps(times.rfc3339(now())).encode())])
    second = [answer.readline() for _ in range(3)]
    assert first[0] == second[0] == b"event: mark\n"
    assert first[1] != second[1]
    connection.close()
