"""`irkit serve` at fifty alerts a second beside a bare server of the same framework; alert to NetworkPolicy, for real.

The second uses the cluster of tests/cluster, started where none runs; its audit log tells when a policy was accepted.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from irkit.triggers.queue.opening import opened
from irkit.triggers.queue.protocol import State
from tests.cluster.real import RealCluster
from tests.cluster.start import in_use, stop
from tests.triggers.formats.deliveries import alertmanager
from tests.triggers.queue.test_soak import PLAYBOOK, RAILS, TRIGGERS, Place, victims
from tests.triggers.wire import BEARER, ENVIRON

A_SECOND, SECONDS = 50, 10
SENDERS = 8
ALERTS = 40  # one after another, in the second part
PAUSE = 1.0  # seconds between two of them

BARE = """
import socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def take(request):
    await request.body()
    return JSONResponse({"status": "accepted"}, 202)
app = Starlette(routes=[Route("/v1/alerts/prom", take, methods=["POST"])])
sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
print('{"url": "http://127.0.0.1:%d"}' % sock.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[sock])
"""


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name:
        _receive(Path(name))
    started = Path(tempfile.mkdtemp()) / "started-here"
    try:
        with in_use(started) as real, tempfile.TemporaryDirectory() as name:
            _act(real, Path(name))
    finally:
        if started.exists():
            stop()


def _receive(folder: Path) -> None:
    places = [("payments", f"pod-{number}") for number in range(A_SECOND * SECONDS)]
    with _process([sys.executable, "-c", BARE], folder) as url:
        _told("bare starlette, to 202", _paced(url, places))
    with _process(_serve(folder, "--workers", "0"), folder) as url:
        _told("irkit serve, to 202 on disk", _paced(url, places))
    print(f"  one write of 1 kB and fsync on this disk: {_fsync(folder) * 1000:.1f} ms in the median")


def _act(real: RealCluster, folder: Path) -> None:
    command = _serve(folder, "--workers", "1", "--kubeconfig", str(real.kubeconfig))
    with victims(real, ALERTS) as places, _process(command, folder) as url:
        sent = {}
        post = _sender(url)
        for place in places:
            sent["/".join(place)] = time.time()
            post(place)
            time.sleep(PAUSE)
        _settled(folder)
        accepted = _accepted(real, {namespace for namespace, _ in places})
    _told("alert sent to NetworkPolicy accepted", [accepted[place] - at for place, at in sent.items()])


def _serve(folder: Path, *more: str) -> list[str]:
    book = folder / "cut-off.yaml"
    book.write_text(PLAYBOOK)
    (folder / "triggers.yaml").write_text(TRIGGERS.replace("PLAYBOOK", str(book)))
    (folder / "rails.yaml").write_text(RAILS)
    files = ["--triggers", str(folder / "triggers.yaml"), "--rails", str(folder / "rails.yaml")]
    where = ["--queue", f"sqlite://{folder}/queue.db", "--port", "0", "-o", "jsonl"]
    return [sys.executable, "-m", "irkit", "serve", *files, *where, *more]


@contextmanager
def _process(command: Sequence[str], folder: Path) -> Iterator[str]:
    """A server while the block lasts; the URL that it prints first."""
    environ = {**os.environ, **ENVIRON, "IRKIT_HOME": str(folder)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ) as process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGTERM)


def _sender(url: str) -> Callable[[Place], float]:
    """Posts an alert about a place over a connection that is kept open, and says how long that took."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def post(place: Place) -> float:
        labels = {"alertname": "Shell", "severity": "high", "namespace": place[0], "pod": place[1]}
        body = json.dumps(alertmanager(labels=labels, fingerprint="/".join(place)))
        began = time.perf_counter()
        connection.request("POST", "/v1/alerts/prom", body, BEARER)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f"not accepted: {answer.status}")
        return time.perf_counter() - began

    return post


def _paced(url: str, places: Sequence[Place]) -> list[float]:
    began = time.perf_counter() + 0.2

    def send(first: int) -> list[float]:
        post, took = _sender(url), []
        for number in range(first, len(places), SENDERS):
            time.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
            took.append(post(places[number]))
        return took

    with ThreadPoolExecutor(SENDERS) as senders:
        return [one for took in senders.map(send, range(SENDERS)) for one in took]


def _settled(folder: Path) -> None:
    store, ends = opened(f"sqlite://{folder}/queue.db"), time.monotonic() + 120
    while (counts := store.desk.counts())[State.WAITING] + counts[State.LEASED]:
        if time.monotonic() > ends:
            raise RuntimeError(f"not all was done: {counts}")
        time.sleep(0.1)
    store.close()


def _accepted(real: RealCluster, namespaces: set[str]) -> dict[str, float]:
    """When the API server had made the policy of each pod, by its own audit log."""
    assert real.audit_log, "the audit log of this cluster cannot be read here"
    found: dict[str, float] = {}
    for line in real.audit_log.read_bytes().splitlines():
        if b'"networkpolicies"' not in line or b"irkit-soak-" not in line:
            continue
        event = json.loads(line)
        made = event["verb"] == "create" and event.get("responseStatus", {}).get("code") == 201
        if made and event["objectRef"]["namespace"] in namespaces and "dryRun" not in event["requestURI"]:
            notes = event["responseObject"]["metadata"]["annotations"]
            pod = next(value for key, value in notes.items() if key.endswith("/pod"))
            found[f"{event['objectRef']['namespace']}/{pod}"] = datetime.fromisoformat(
                event["stageTimestamp"]
            ).timestamp()
    return found


def _fsync(folder: Path) -> float:
    took = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(b"x" * 1000)
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def _told(what: str, took: list[float]) -> None:
    points = statistics.quantiles(took, n=100, method="inclusive")
    shown = "  ".join(
        f"{name} {seconds * 1000:7.1f} ms"
        for name, seconds in (("p50", points[49]), ("p99", points[98]), ("max", max(took)))
    )
    print(f"  {what:<38} {shown}  ({len(took)} alerts)")


if __name__ == "__main__":
    main()
