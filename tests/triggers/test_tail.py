"""A file that grows, is rotated and is cut: every line once, whether or not it came by HTTP as well."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from irkit.errors import UsageError
from irkit.triggers import sources
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.intake import Answer, Intake
from irkit.triggers.metrics import Metrics
from irkit.triggers.place import Place
from irkit.triggers.queue.opening import Opened
from irkit.triggers.queue.protocol import State
from irkit.triggers.routing.lint import parse
from irkit.triggers.serving import serving
from irkit.triggers.tail import MAX_LINE, Tail
from tests.triggers.wire import BEARER, ENVIRON, Wire
from tests.waiting import until

TRIGGERS = """\
apiVersion: irkit/v1
kind: Triggers
sources: {falco: {format: falco, auth: {bearer: [{env: TEST_PROM}]}}}
rules:
  - name: all
    run: collect-only
    with: {namespace: '${{ alert.pod.namespace }}', pod: '${{ alert.pod.name }}'}
"""


def line(number: int) -> bytes:
    fields = {"k8s.ns.name": "payments", "k8s.pod.name": f"api-{number}"}
    event = {"time": "2026-11-24T03:00:00.000000001Z", "rule": "Shell", "priority": "Error", "output_fields": fields}
    return json.dumps(event).encode() + b"\n"


@contextmanager
def following(path: Path, keep: Callable[[Delivery], Answer]) -> Iterator[None]:
    tail = Tail("falco", path, keep)
    thread = threading.Thread(target=tail.run)
    thread.start()
    try:
        yield
    finally:
        tail.stopped.set()
        thread.join(20)


def intake(store: Opened) -> Intake:
    loaded = parse(TRIGGERS)
    return Intake(loaded, sources.ready(loaded.triggers, ENVIRON), store.queue, Metrics())


def test_what_is_there_what_comes_and_what_comes_after_a_rotation(tmp_path: Path, store: Opened) -> None:
    path = tmp_path / "falco.json"

    def waiting() -> int:
        return store.desk.counts()[State.WAITING]

    with following(path, intake(store).keep):
        path.write_bytes(line(1) + b"\n" + line(2)[:20])
        until(lambda: waiting() == 1)
        with path.open("ab") as more:
            more.write(line(2)[20:])
        until(lambda: waiting() == 2)
        path.rename(tmp_path / "falco.json.1")
        with (tmp_path / "falco.json.1").open("ab") as late:
            late.write(line(3))
        path.write_bytes(line(4))
        until(lambda: waiting() == 4)
        path.write_bytes(b"")
        path.write_bytes(b"no json\n")
        until(lambda: store.desk.counts()[State.DEAD] == 1)
    with following(path, intake(store).keep):  # another start reads it again, and the queue knows
        path.write_bytes(line(1) + line(5))
        until(lambda: waiting() == 5)


def test_a_line_that_could_not_be_kept_is_tried_again_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "falco.json"
    path.write_bytes(line(1) + line(2))
    seen: list[bytes] = []

    def refusing_once(delivery: Delivery) -> Answer:
        seen.append(delivery.body + b"\n")
        return Answer(503, "unavailable") if len(seen) == 1 else Answer(202, "accepted")

    with following(path, refusing_once):
        until(lambda: len(seen) >= 3)
    assert seen == [line(1), line(1), line(2)]


def test_a_line_without_end_is_handed_on_in_parts_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "falco.json"
    path.write_bytes(b"x" * (MAX_LINE + 10) + b"\n" + line(1))
    seen: list[int] = []

    def measuring(delivery: Delivery) -> Answer:
        seen.append(len(delivery.body))
        return Answer(202, "accepted")

    with following(path, measuring):
        until(lambda: len(seen) == 3)
    assert seen == [MAX_LINE + 1, 9, len(line(1)) - 1]


def test_by_file_and_by_http_it_is_one_alert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PROM", ENVIRON["TEST_PROM"])
    path, queue = tmp_path / "falco.json", f"sqlite://{tmp_path}/queue.db"
    path.write_bytes(line(1))
    with serving(parse(TRIGGERS), queue, Place(port=0), [("falco", path)]) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        wire = Wire(server.url)
        until(lambda: wire.metric('irkit_queue_jobs{state="waiting"}') == 1)
        assert wire.post("falco", line(1), BEARER)[1]["status"] == "duplicate"
        server.stop()
        thread.join(20)


def test_a_file_of_no_source(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="no such source"),
        serving(parse(TRIGGERS), f"sqlite://{tmp_path}/q", Place(port=0), [("nobody", tmp_path)]),
    ):
        pass
