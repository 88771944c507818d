"""A real Alertmanager before a real `irkit serve`: firing, grouped, repeated, resolved, and irkit away for a minute."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from irkit import times
from irkit.triggers.orders.order import read
from irkit.triggers.queue.opening import opened
from tests.triggers.wire import ENVIRON, SECRET, Wire
from tests.waiting import until

pytestmark = pytest.mark.slow
AWAY = 60  # seconds that irkit is stopped

# `receivers` is what docs/triggers.md shows; the intervals are short, so that repeats come while we wait.
CONFIG = """\
route: {{receiver: irkit, group_by: [alertname], group_wait: 1s, group_interval: 2s, repeat_interval: 3s}}
receivers:
  - name: irkit
    webhook_configs:
      - url: {url}/v1/alerts/prom
        send_resolved: true
        max_alerts: 0
        http_config:
          authorization: {{type: Bearer, credentials_file: {token}}}
"""
TRIGGERS = """\
apiVersion: irkit/v1
kind: Triggers
sources: {prom: {format: alertmanager, auth: {bearer: [{env: TEST_PROM}]}}}
rules:
  - name: begins
    run: compromised-pod
    with: {namespace: '${{ alert.pod.namespace }}', pod: '${{ alert.pod.name }}'}
  - name: ends
    when: {status: resolved}
    run: collect-only
    with: {namespace: '${{ alert.pod.namespace }}', pod: '${{ alert.pod.name }}'}
"""


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _answers(wire: Wire, path: str) -> bool:
    try:
        return wire.send("GET", path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def _process(words: list[str], log: Path, wire: Wire, path: str) -> Iterator[None]:
    """A program that answers at `path` while the block lasts."""
    with (
        log.open("ab") as out,
        subprocess.Popen(words, stdout=out, stderr=out, env={**os.environ, **ENVIRON}) as running,
    ):
        try:
            until(lambda: _answers(wire, path), f"{words[0]} does not answer: {log}")
            yield
        finally:
            running.terminate()


@dataclass(frozen=True, slots=True)
class Scene:
    """One Alertmanager, one queue, and an irkit that comes and goes on one port."""

    folder: Path
    irkit: Wire
    manager: Wire

    @property
    def queue(self) -> str:
        return f"sqlite://{self.folder}/queue.db"

    def serving(self) -> AbstractContextManager[None]:
        """`irkit serve` as a process of its own."""
        port = self.irkit.url.rpartition(":")[2]
        words = ["serve", "--triggers", f"{self.folder}/triggers.yaml", "--port", port, "--queue", self.queue]
        words += ["--workers", "0"]
        return _process([sys.executable, "-m", "irkit", *words], self.folder / "irkit.log", self.irkit, "/readyz")

    def fire(self, began: datetime, ends: datetime, *pods: str) -> None:
        """Alerts as Prometheus sends them."""
        labels = {"alertname": "Shell", "severity": "high", "namespace": "payments"}
        span = {"startsAt": times.rfc3339(began), "endsAt": times.rfc3339(ends)}
        body = json.dumps([{"labels": labels | {"pod": pod}, **span} for pod in pods]).encode()
        assert self.manager.send("POST", "/api/v2/alerts", body, {"content-type": "application/json"})[0] == 200

    def jobs(self) -> Counter[tuple[str, str, str]]:
        """Pod, status and playbook of every alert kept."""
        store = opened(self.queue)
        try:
            entries = store.desk.ls()
            orders = [read(one.body) for entry in entries for one in store.desk.show(entry.id)[1]]
        finally:
            store.close()
        told = [(one.alert, one.playbook) for one in orders if one.alert and one.alert.pod]
        return Counter((alert.pod.name, str(alert.status), book) for alert, book in told if alert.pod)

    def sent(self, name: str) -> float:
        """A counter of Alertmanager's about its webhook."""
        text = self.manager.send("GET", "/metrics")[1].decode()
        lines = [line for line in text.splitlines() if line.startswith(f'{name}{{integration="webhook"')]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("Alertmanager is not installed: apt-get install prometheus-alertmanager")
    made = Scene(tmp_path, Wire(f"http://127.0.0.1:{_free()}"), Wire(f"http://127.0.0.1:{_free()}"))
    (tmp_path / "triggers.yaml").write_text(TRIGGERS)
    (tmp_path / "token").write_text(SECRET)
    (tmp_path / "manager.yaml").write_text(CONFIG.format(url=made.irkit.url, token=tmp_path / "token"))
    words = [program, f"--config.file={tmp_path}/manager.yaml", f"--storage.path={tmp_path}/manager"]
    words += [f"--web.listen-address={made.manager.url.removeprefix('http://')}", "--cluster.listen-address="]
    with _process(words, tmp_path / "manager.log", made.manager, "/-/ready"):
        yield made


def test_firing_grouped_repeated_resolved_and_irkit_away(scene: Scene) -> None:
    began, hour = times.now(), timedelta(hours=1)
    begun = {(pod, "firing", "compromised-pod"): 1 for pod in ("api-1", "api-2")}
    with scene.serving():
        scene.fire(began, began + hour, "api-1", "api-2")
        until(lambda: scene.jobs() == begun, "two alerts of one group are two jobs")
        assert scene.irkit.requests("prom", "accepted") >= 1
        until(lambda: scene.irkit.requests("prom", "duplicate") >= 2, "Alertmanager repeats itself")
        assert scene.jobs() == begun
    scene.fire(began, began + hour, "api-3")
    scene.fire(began, times.now(), "api-1")
    back = time.monotonic() + AWAY
    until(lambda: time.monotonic() > back, "a minute passes", 2 * AWAY)
    assert scene.sent("alertmanager_notification_requests_failed_total") >= 2
    after = begun | {("api-3", "firing", "compromised-pod"): 1, ("api-1", "resolved", "collect-only"): 1}
    with scene.serving():
        until(lambda: scene.jobs() == after, "what irkit missed is told again", 120)
        until(lambda: scene.irkit.requests("prom", "duplicate") >= 1, "and again")
    assert scene.jobs() == after
