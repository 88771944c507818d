"""Over real HTTP: what is accepted is in the queue before 202; what is not the sender's is refused, counted, unread."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from irkit import times
from irkit.triggers import peers, server
from irkit.triggers.orders import order
from irkit.triggers.queue.opening import Opened, opened
from irkit.triggers.queue.protocol import State
from tests.triggers.auth import senders
from tests.triggers.formats.deliveries import alertmanager, corpus_json
from tests.triggers.routing.files import FILE
from tests.triggers.wire import BEARER, ENVIRON, OLD, SECRET, Wire, served

LABELS = {"alertname": "WebShell", "severity": "critical", "team": "payments", "namespace": "payments", "pod": "api-1"}
CLOUD = FILE.replace("rules:", "  clouds:\n    format: cloudevents\n    auth: {bearer: [{env: TEST_PROM}]}\nrules:")


@pytest.fixture
def wire(store: Opened) -> Iterator[Wire]:
    with served(CLOUD, store.queue, store.desk) as found:
        yield found


def jobs(store: Opened, state: State) -> list[order.Order]:
    entries = reversed(store.desk.ls([state]))
    return [order.read(delivery.body) for entry in entries for delivery in store.desk.show(entry.id)[1]]


def test_an_alert_is_in_the_queue_with_its_decision_and_its_bytes(wire: Wire, store: Opened) -> None:
    body = json.dumps(alertmanager(labels=LABELS)).encode()
    status, answer = wire.post("prom", body, BEARER)
    assert (status, answer["status"], [job["fate"] for job in answer["jobs"]]) == (202, "accepted", ["new"])
    (kept,) = jobs(store, State.WAITING)
    assert (kept.rule, kept.playbook, kept.raw) == ("shells", "compromised-pod", body)
    assert kept.alert is not None
    assert kept.alert.labels["team"] == "payments"
    assert kept.inputs["pod"] == "api-1"
    assert wire.requests("prom", "accepted") == 1


def test_the_same_again_is_the_same_job(wire: Wire, store: Opened) -> None:
    first = wire.post("prom", alertmanager(labels=LABELS), BEARER)[1]
    status, again = wire.post("prom", alertmanager(labels=LABELS), {"authorization": f"bearer {OLD}"})
    assert (status, again["status"], again["jobs"][0]["id"]) == (202, "duplicate", first["jobs"][0]["id"])
    assert len(jobs(store, State.WAITING)) == 1


def test_a_storm_on_one_pod_is_one_job(wire: Wire, store: Opened) -> None:
    for number in range(20):
        body = alertmanager(labels=LABELS, fingerprint=f"{number:x}")
        assert wire.post("prom", body, BEARER)[0] == 202
    (entry,) = store.desk.ls()
    assert entry.deliveries == 20
    assert wire.metric('irkit_alerts_total{source="prom",fate="coalesced"}') == 19


def test_two_sources_do_not_share_keys(store: Opened) -> None:
    text = FILE.replace(
        "  pager:", "  other:\n    format: alertmanager\n    auth: {bearer: [{env: TEST_PAGER}]}\n  pager:"
    )
    text = text.replace("sources: [prom], ", "")
    with served(text, store.queue, store.desk, ENVIRON | {"TEST_PAGER": "p" * 32}) as wire:
        theirs = wire.post("other", alertmanager(labels=LABELS), {"authorization": "Bearer " + "p" * 32})[1]
        ours = wire.post("prom", alertmanager(labels=LABELS), BEARER)[1]
    assert (theirs["status"], ours["jobs"][0]["fate"]) == ("accepted", "coalesced")


def test_what_no_rule_wants_is_ignored_and_counted(wire: Wire, store: Opened) -> None:
    assert wire.post("prom", alertmanager(labels={"alertname": "x"}), BEARER) == (
        202,
        {"status": "ignored", "jobs": []},
    )
    assert wire.metric('irkit_alerts_total{source="prom",fate="ignored"}') == 1
    assert store.desk.ls() == ()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 50_000,
        b'{"version": "4", "version": "4", "alerts": []}',
        b'{"version": "4", "alerts": [NaN]}',
        b"\xff",
    ],
)
def test_authentic_and_not_understood_is_quarantined_and_shown(wire: Wire, store: Opened, body: bytes) -> None:
    status, answer = wire.post("prom", body, BEARER)
    assert (status, answer["status"]) == (202, "quarantined")
    (entry,) = store.desk.ls([State.DEAD])
    assert entry.word
    assert jobs(store, State.DEAD)[0].raw == body
    assert wire.post("prom", body, BEARER)[1]["status"] == "duplicate"


def test_a_rule_whose_inputs_the_alert_does_not_fill_is_a_dead_letter(wire: Wire, store: Opened) -> None:
    wire.post("prom", alertmanager(labels={"severity": "critical"}), BEARER)
    (entry,) = store.desk.ls([State.DEAD])
    assert "pod.namespace" in entry.word


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [({}, "denied-missing"), ({"authorization": "Bearer " + "x" * 32}, "denied-wrong"),
     ({"authorization": f"Basic {SECRET}"}, "denied-missing")],
)  # fmt: skip
@pytest.mark.parametrize(
    "body", [b"{", b'{"a":1,"a":1}', b"[" * 50_000, json.dumps(alertmanager(labels=LABELS)).encode()]
)
def test_a_stranger_learns_nothing_of_what_it_sent(
    wire: Wire, store: Opened, headers: dict[str, str], outcome: str, body: bytes
) -> None:
    assert wire.post("prom", body, headers) == (401, {"status": outcome, "jobs": []})
    assert wire.requests("prom", outcome) == 1
    assert store.desk.ls() == ()


def test_pagerduty_of_the_corpus_and_its_forgery(store: Opened) -> None:
    found = corpus_json("Aldaviva__PagerDuty/pagerduty_v3_signed_open.json")
    text = FILE.replace(
        "rules:", "rules:\n  - {name: page, run: collect-only, when: {sources: [pager]}, with: {namespace: a, pod: b}}"
    )
    text = text.replace("{min_severity: critical}", "{min_severity: critical, sources: [prom]}")
    with served(text, store.queue, store.desk, ENVIRON | {"TEST_PAGER": found["secret"]}) as wire:
        for vector in found["vectors"]:
            status, answer = wire.post("pager", vector["body"].encode(), vector["header"])
            assert status == (202 if vector["expect_valid"] else 403), vector["name"]
            assert answer["status"] == {
                "InvalidSignature": "denied-wrong", "ValidSignature": "ignored", "TriggerIncident": "accepted",
            }[vector["name"]]  # fmt: skip
        assert wire.requests("pager", "denied-wrong") == 1
    assert [kept.rule for kept in jobs(store, State.WAITING)] == ["page"]


def test_standard_webhooks_replayed_and_expired(wire: Wire, store: Opened) -> None:
    secret, now = b"sss" * 11, times.now()
    body = json.dumps({"type": "x", "data": {"severity": "critical", "namespace": "a", "pod": "b"}}).encode()
    fresh = senders.standard(secret, "msg_1", now, body)
    assert wire.post("hooks", body, fresh)[1]["status"] == "accepted"
    assert wire.post("hooks", body, fresh)[1]["status"] == "duplicate"
    assert wire.post("hooks", body, fresh | {"webhook-id": "msg_2"})[0] == 403
    old = senders.standard(secret, "msg_3", now - timedelta(minutes=6), body)
    assert wire.post("hooks", body, old) == (403, {"status": "denied-stale", "jobs": []})
    assert len(store.desk.ls()) == 1


def test_too_large_is_refused_announced_or_not(wire: Wire, store: Opened) -> None:
    connection = http.client.HTTPConnection(urlsplit(wire.url).netloc, timeout=20)
    connection.putrequest("POST", "/v1/alerts/prom")
    connection.putheader("content-length", str(1 << 40))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    connection = http.client.HTTPConnection(urlsplit(wire.url).netloc, timeout=20)
    chunks: Any = iter([b"[" * 65536] * 17)
    connection.request("POST", "/v1/alerts/prom", chunks, BEARER, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert wire.requests("prom", "too-large") == 2
    assert store.desk.ls() == ()


def test_a_head_that_does_not_end_is_ended(wire: Wire) -> None:
    host, _, port = urlsplit(wire.url).netloc.rpartition(":")
    begun = b"POST /v1/alerts/prom HTTP/1.1\r\nHost: x\r\nX-More: "
    with socket.create_connection((host, int(port)), timeout=10) as talkative:
        talkative.sendall(begun.ljust((64 << 10) + 1, b"a"))
        assert talkative.recv(1 << 10).startswith(b"HTTP/1.1 400 ")


def test_a_head_that_does_not_come_is_not_waited_for(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "HEAD_SECONDS", 0.2)
    served_first = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for said in (b"", b"POST /v1/alerts/prom HTTP/1.1\r\nHost: x\r\n", served_first + b"GET /healthz"):
        with silent(wire, said) as slow, slow.makefile("rb") as heard, contextlib.suppress(ConnectionResetError):
            while heard.read(1 << 10):  # until it is ended
                pass


def test_peers_that_say_nothing_keep_nobody_out(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "MOST", 4)
    with contextlib.ExitStack() as open_:
        for _ in range(12):
            open_.enter_context(silent(wire, b"POST /v1/alerts/prom HTTP/1.1\r\n"))
        assert wire.post("prom", alertmanager(labels=LABELS), BEARER)[0] == 202


def silent(wire: Wire, said: bytes) -> socket.socket:
    """A connection on which no more is said."""
    host, _, port = urlsplit(wire.url).netloc.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall(said)
    return connection


def test_more_at_once_than_there_is_room_for_come_again(store: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "AT_ONCE", 0)
    with served(FILE, store.queue, store.desk) as wire:
        body = json.dumps(alertmanager(labels=LABELS)).encode()
        status, answer, headers = wire.send("POST", "/v1/alerts/prom", body, BEARER)
        assert (status, json.loads(answer)["status"], headers["retry-after"]) == (503, "busy", "10")
        assert wire.send("GET", "/healthz")[0] == 200
        assert wire.requests("prom", "busy") == 1


def test_a_sender_that_hangs_up_harms_nobody(wire: Wire) -> None:
    host, port = urlsplit(wire.url).netloc.split(":")
    with socket.create_connection((host, int(port))) as cut:
        cut.sendall(b"POST /v1/alerts/prom HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
    assert wire.post("prom", alertmanager(labels=LABELS), BEARER)[0] == 202


@pytest.mark.parametrize("path", ["/v1/alerts/nobody", "/v1/alerts/..%2f", "/v1/alerts/"])
def test_no_such_source(wire: Wire, path: str) -> None:
    assert wire.send("POST", path, b"{}", BEARER)[0] == 404


def test_encoded_bodies_and_other_methods(wire: Wire) -> None:
    assert wire.post("prom", b"x", BEARER | {"content-encoding": "gzip"})[0] == 415
    assert wire.send("GET", "/v1/alerts/prom")[0] == 405
    assert wire.send("GET", "/docs")[0] == 404


def test_cloudevents_handshake(wire: Wire) -> None:
    origin = {"WebHook-Request-Origin": "events.example"}
    assert wire.send("OPTIONS", "/v1/alerts/clouds", headers=origin)[2]["webhook-allowed-origin"] == "events.example"
    assert wire.send("OPTIONS", "/v1/alerts/prom", headers=origin)[0] == 405
    assert wire.send("OPTIONS", "/v1/alerts/clouds")[0] == 405


def test_health_readiness_and_metrics_as_a_second_reader_reads_them(wire: Wire) -> None:
    wire.post("prom", alertmanager(labels=LABELS), BEARER)
    assert wire.send("GET", "/healthz")[0] == wire.send("GET", "/readyz")[0] == 200
    status, text, headers = wire.send("GET", "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}  # type: ignore[no-untyped-call]
    assert set(families) == {
        "irkit_requests", "irkit_alerts", "irkit_request_seconds", "irkit_queue_jobs", "irkit_queue_up",
    }  # fmt: skip
    assert {sample.labels["state"]: sample.value for sample in families["irkit_queue_jobs"].samples} == {
        "waiting": 1, "leased": 0, "done": 0, "dead": 0,
    }  # fmt: skip


def test_a_queue_that_cannot_store_is_503_for_the_sender_to_come_again(tmp_path: Path) -> None:
    broken = opened(f"sqlite://{tmp_path}/queue.db")
    with served(FILE, broken.queue, broken.desk) as wire:
        assert wire.post("prom", alertmanager(labels=LABELS), BEARER)[0] == 202
        limit_database(broken)
        status, answer, headers = wire.send(
            "POST", "/v1/alerts/prom", json.dumps(alertmanager(labels=LABELS, fingerprint="b")).encode(), BEARER
        )
        assert (status, json.loads(answer)["status"], headers["retry-after"]) == (503, "unavailable", "10")
        assert wire.requests("prom", "unavailable") == 1
    broken.close()


def limit_database(store: Opened) -> None:
    """Make the store refuse, as a disk that is full does."""
    with store.door.writing() as made:
        made.change("DROP TABLE irkit_delivery")


def test_large_groups_keep_their_bytes_once_or_not_at_all(wire: Wire, store: Opened) -> None:
    one = alertmanager(labels=LABELS)["alerts"][0]
    many = [one | {"fingerprint": f"{number}", "annotations": {"summary": "x" * 2000}} for number in range(40)]
    status, answer = wire.post("prom", {"version": "4", "alerts": many}, BEARER)
    assert (status, len(answer["jobs"])) == (202, 40)
    assert {kept.raw for kept in jobs(store, State.WAITING)} == {None}


def test_an_answer_does_not_wait_for_the_peers_acknowledgement() -> None:
    with server.listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
