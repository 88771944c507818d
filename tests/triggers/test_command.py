"""`irkit serve` as a person calls it: check, explain, and a real server in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from irkit.errors import UsageError
from irkit.triggers import peers, sources
from irkit.triggers.place import Place, Tls
from irkit.triggers.queue.opening import opened
from irkit.triggers.queue.protocol import State
from irkit.triggers.routing.lint import parse
from irkit.triggers.routing.schema import Triggers
from irkit.triggers.server import listen
from irkit.triggers.serving import serving
from tests.bundle.authority import openssl
from tests.triggers.formats.deliveries import alertmanager
from tests.triggers.routing.files import FILE
from tests.triggers.wire import BEARER, ENVIRON, Wire

MTLS = """\
apiVersion: irkit/v1
kind: Triggers
sources: {falco: {format: falco, auth: {mtls: true}}}
"""


def irkit(*words: str | Path, given: bytes = b"") -> tuple[int, Any]:
    command = [sys.executable, "-m", "irkit", *words, "-o", "json"]
    ran = subprocess.run(command, check=False, capture_output=True, input=given)
    return ran.returncode, json.loads(ran.stdout)


@pytest.fixture
def triggers(tmp_path: Path) -> Path:
    (tmp_path / "triggers.yaml").write_text(FILE)
    return tmp_path / "triggers.yaml"


def test_check(triggers: Path) -> None:
    assert irkit("serve", "--triggers", triggers, "--check") == (0, {"checked": str(triggers), "problems": []})
    triggers.write_text(FILE.replace("format: pagerduty", "format: pager"))
    code, told = irkit("serve", "--triggers", triggers, "--check")
    assert (code, told["problems"][0]["line"]) == (2, 8)


def test_explain(triggers: Path, tmp_path: Path) -> None:
    body = tmp_path / "alert.json"
    body.write_text(json.dumps(alertmanager()))
    code, told = irkit("serve", "--triggers", triggers, "--explain", body, "--source", "prom")
    assert (code, told["alerts"][0]["decision"]["playbook"]) == (0, "collect-only")
    piped = irkit("serve", "--triggers", triggers, "--explain", "-", "--source", "prom", given=body.read_bytes())
    assert piped == (code, told)
    assert {step["effect"] for step in told["alerts"][0]["steps"]} == {"read", "collect"}
    body.write_text("{")
    assert irkit("serve", "--triggers", triggers, "--explain", body, "--source", "prom")[0] == 1
    assert irkit("serve", "--triggers", triggers, "--explain", body)[0] == 2
    body.write_text(json.dumps({"type": "t", "severity": "critical"}))
    headers = ("--header", "webhook-id: 1", "--header", "webhook-timestamp: 1795834800")
    code, told = irkit("serve", "--triggers", triggers, "--explain", body, "--source", "hooks", *headers)
    assert (code, "pod.namespace" in told["alerts"][0]["decision"]["problem"]) == (1, True)


def test_a_server_of_its_own_ends_by_sigterm_and_what_it_accepted_stays(triggers: Path, tmp_path: Path) -> None:
    queue = f"sqlite://{tmp_path}/queue.db"
    words: list[str | Path] = ["serve", "--triggers", triggers, "--port", "0", "--queue", queue, "--workers", "0"]
    words += ["-o", "jsonl"]
    with subprocess.Popen(
        [sys.executable, "-m", "irkit", *words], stdout=subprocess.PIPE, env={**os.environ, **ENVIRON}
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["sources"]["prom"] == f"{told['url']}/v1/alerts/prom"
        assert Wire(told["url"]).post("prom", alertmanager(), BEARER)[0] == 202
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    store = opened(queue)
    assert store.desk.counts()[State.WAITING] == 1
    store.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "irkit.example"])  # noqa: S104 - refused, which is the point
def test_secrets_do_not_travel_in_the_clear(tmp_path: Path, host: str) -> None:
    with pytest.raises(UsageError, match="plain HTTP"), serving(parse(FILE), f"sqlite://{tmp_path}/q", Place(host)):
        pass


def test_mtls_needs_an_authority(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="client-ca"), serving(parse(MTLS), f"sqlite://{tmp_path}/q", Place()):
        pass


def test_a_port_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(UsageError, match="cannot listen"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_tls_that_cannot_work_is_told_before_anything_is_received(tmp_path: Path) -> None:
    other, key, pem, absent = (tmp_path / name for name in ("other", "key", "pem", "absent"))
    for one in (other, key):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", one, "-out", pem, "-subj", "/CN=a")
    for files in ((pem, other, pem), (absent, key, pem), (pem, absent, pem), (key, pem, pem), (pem, key, absent)):
        place = Place(port=0, tls=Tls(*files))
        with pytest.raises(UsageError, match="TLS"), serving(parse(MTLS), f"sqlite://{tmp_path}/q.db", place):
            pass


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    new = ("req", "-x509", "-newkey", "rsa:2048", "-passout", "pass:secret", "-subj", "/CN=localhost")
    openssl(*new, "-keyout", key, "-out", pem)
    place = Place(port=0, tls=Tls(pem, key, pem))
    with pytest.raises(UsageError) as caught, serving(parse(MTLS), f"sqlite://{tmp_path}/q.db", place):
        pass
    assert caught.value.message == f"the TLS key {key} is encrypted with a passphrase"
    assert "openssl pkey" in caught.value.hint


def test_mtls_lets_in_who_shows_a_certificate_of_the_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "HEAD_SECONDS", 3)
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    openssl(*new, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem)
    with serving(parse(MTLS), f"sqlite://{tmp_path}/q.db", Place(port=0, tls=Tls(pem, key, pem))) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        port = int(server.url.rpartition(":")[2])
        friend = ssl.create_default_context(cafile=str(pem))
        stranger = ssl.create_default_context(cafile=str(pem))
        friend.load_cert_chain(pem, key)
        try:
            assert b" 200 " in _get(friend, port)
            with pytest.raises(OSError):
                assert not _get(stranger, port)
                raise ConnectionError("closed without an answer")
            with socket.create_connection(("127.0.0.1", port), timeout=20) as silent:
                assert silent.recv(1) == b""
        finally:
            server.stop()
            thread.join(20)


def _get(context: ssl.SSLContext, port: int) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        wrapped.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return wrapped.recv(4096)


def source(auth: str, environ: Mapping[str, str]) -> None:
    text = MTLS.replace("{mtls: true}", auth)
    sources.ready(parse(text).triggers, environ)


@pytest.mark.parametrize(
    ("auth", "problem"),
    [
        ("{bearer: [{env: NOT_THERE}]}", "source falco: the environment has no NOT_THERE"),
        ("{bearer: [{env: SHORT}]}", "shorter than 16"),
        ("{bearer: [{env: LONG, file: /x}]}", "exactly one"),
        ("{bearer: [{file: /nonexistent}]}", "cannot read the secret"),
        ("{standard: [{env: LONG}]}", "whsec_"),
    ],
)
def test_a_secret_that_cannot_be_used(auth: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as raised:
        source(auth, {"SHORT": "hunter2", "LONG": "x" * 20})
    assert "hunter2" not in str(raised.value)


def test_every_way_of_authentication_can_be_made_ready(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("y" * 20 + "\n")
    ways = [
        "{bearer: [{env: LONG}, {file: %s/secret}]}", "{basic: {user: u, passwords: [{env: LONG}]}}",
        "{api_key: {header: X-Key, secrets: [{env: LONG}]}}", "{hmac: {header: X-Sig, secrets: [{env: LONG}]}}",
        "{pagerduty: [{env: LONG}]}", "{mtls: true}",
    ]  # fmt: skip
    for way in ways:
        source(way.replace("%s", str(tmp_path)), {"LONG": "x" * 20})
    sns = MTLS.replace("format: falco", "format: sns").replace("{mtls: true}", "{sns: {topics: ['arn:a']}}")
    loaded: Triggers = parse(sns).triggers
    assert set(sources.ready(loaded, {})) == {"falco"}
