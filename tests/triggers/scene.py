"""An irkit that serves and works in a process of its own, before a cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irkit.model.run import RunRecord
from irkit.playbook import runs
from irkit.triggers.queue.opening import opened
from irkit.triggers.queue.protocol import Entry, State
from tests.triggers.formats.deliveries import alertmanager
from tests.triggers.wire import BEARER, ENVIRON, Wire

TRIGGERS = """\
apiVersion: irkit/v1
kind: Triggers
sources: {prom: {format: alertmanager, auth: {bearer: [{env: TEST_PROM}]}}}
rules:
  - name: any-pod
    run: compromised-pod
    with: {namespace: '${{ alert.pod.namespace }}', pod: '${{ alert.pod.name }}', deadline: 30}
"""
RAILS = """\
apiVersion: irkit/v1
kind: Rails
mode: enforce
allow: [{{actions: [pod.isolate@1], namespaces: [{namespace}], triggers: [prom], min_severity: high}}]
protect: {{control_plane_nodes: false}}
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """One folder with the files, the runs and the queue; one cluster."""

    home: Path
    kubeconfig: Path
    namespace: str
    triggers: str = TRIGGERS

    @property
    def queue(self) -> str:
        return f"sqlite://{self.home}/queue.db"

    @property
    def rails(self) -> Path:
        """A rails file that lets pods of the namespace be isolated."""
        path = self.home / "rails.yaml"
        path.write_text(RAILS.format(namespace=self.namespace))
        return path

    @contextmanager
    def serving(self, *more: str | Path) -> Iterator[Wire]:
        """`irkit serve` while the block lasts; then SIGTERM, and it ends well."""
        (self.home / "triggers.yaml").write_text(self.triggers)
        words = ["serve", "--triggers", self.home / "triggers.yaml", "--port", "0", "-o", "jsonl", *more]
        with self.irkit(*words) as process:
            assert process.stdout
            yield Wire(json.loads(process.stdout.readline())["url"])

    @contextmanager
    def irkit(self, *words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
        """A command that goes on until SIGTERM."""
        flags = ("--queue", self.queue, "--kubeconfig", self.kubeconfig, "--store", f"file://{self.home}/store")
        own = ("-n", self.namespace)  # quarantines elsewhere on a shared cluster are not ours to end
        command = [sys.executable, "-m", "irkit", *words, *flags, *own]
        environ = {**os.environ, **ENVIRON, "IRKIT_HOME": str(self.home)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as process:
            try:
                yield process
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
            finally:
                process.kill()

    def post(self, wire: Wire, pod: str, extra: Mapping[str, str] = {}, **change: Any) -> Any:  # noqa: ANN401 - JSON
        labels = {"alertname": "Shell", "severity": "high", "namespace": self.namespace, "pod": pod, **extra}
        status, told = wire.post("prom", alertmanager(labels=labels, **change), BEARER)
        assert status == 202
        return told

    def jobs(self) -> tuple[Entry, ...]:
        store = opened(self.queue)
        try:
            return store.desk.ls()
        finally:
            store.close()

    def settled(self) -> bool:
        return {job.state for job in self.jobs()} <= {State.DONE, State.DEAD}

    def run(self) -> RunRecord:
        """The only run."""
        (run_id,) = runs.ids(self.home)
        return runs.show(self.home, run_id, timeline=False).record

    def bundles(self) -> list[Path]:
        return sorted((self.home / "store").glob("**/*.tar.gz"))
