"""An `irkit serve --watch` before a cluster, with people who may and people who may not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irkit.playbook import runs
from irkit.playbook.journal import log
from tests.playbook.practice import NAMESPACE
from tests.triggers.scene import Scene
from tests.triggers.wire import Wire

LEAD, GUEST = "lead-token-0123456789", "guest-token-0123456789"
APPROVERS = f"""\
apiVersion: irkit/v1
kind: Approvers
people:
  ana: {{roles: [ir-lead, operator], token_sha256: {hashlib.sha256(LEAD.encode()).hexdigest()}}}
  gus: {{roles: [on-call], token_sha256: {hashlib.sha256(GUEST.encode()).hexdigest()}}}
"""
PLAYBOOK = """\
apiVersion: irkit/v1
kind: Playbook
metadata: {name: NAME, version: 1.0.0}
inputs:
  namespace: {type: string, required: true, pattern: '[a-z0-9-]+'}
  pod: {type: string, required: true, pattern: '[a-z0-9.-]+'}
steps:
  - {id: resolve, uses: pod.resolve@1, with: {namespace: '${{ inputs.namespace }}', pod: '${{ inputs.pod }}'}}
  - id: gate
    approve: {prompt: 'Isolate ${{ inputs.namespace }}/${{ inputs.pod }}?', roles: [ir-lead], timeout: TIMEOUT}
  - {id: isolate, uses: pod.isolate@1, needs: [gate]}
always:
  - {id: report, uses: report.write@1, needs: [resolve]}
"""
TRIGGERS = """\
apiVersion: irkit/v1
kind: Triggers
sources: {prom: {format: alertmanager, auth: {bearer: [{env: TEST_PROM}]}}}
rules:
  - {name: gated, when: {labels: {ask: ['yes']}}, run: GATED, with: INPUTS}
  - {name: brief, when: {labels: {ask: [soon]}}, run: BRIEF, with: INPUTS}
  - {name: any-pod, run: compromised-pod, with: INPUTS}
"""
INPUTS = "{namespace: '${{ alert.pod.namespace }}', pod: '${{ alert.pod.name }}'}"


@dataclass(frozen=True, slots=True)
class Stage:
    """One home, one server."""

    scene: Scene
    wire: Wire

    @property
    def url(self) -> str:
        return f"{self.wire.url}/watch"

    def alert(self, pod: str, ask: str = "", number: int = 0) -> None:
        """An alert about a pod; `ask`: "yes" for a run that asks people, "soon" for one that soon gives up asking."""
        self.scene.post(self.wire, pod, fingerprint=f"{pod}-{ask}-{number}", extra={"ask": ask} if ask else {})

    def votes(self) -> list[dict[str, Any]]:
        """What people answered about the only run."""
        (run_id,) = runs.ids(self.scene.home)
        records = log.read(runs.locate(self.scene.home, run_id))
        return [record["vote"] for record in records if record["kind"] == "approval.given"]


@contextmanager
def stage(kubeconfig: Path, home: Path, namespace: str = NAMESPACE) -> Iterator[Stage]:
    """The server while the block lasts."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "approvers.yaml").write_text(APPROVERS)
    text = TRIGGERS
    for name, timeout in (("gated", "10m"), ("brief", "2s")):
        book = home / f"{name}.yaml"
        book.write_text(PLAYBOOK.replace("NAME", name).replace("TIMEOUT", timeout))
        text = text.replace(name.upper(), str(book))
    scene = Scene(home, kubeconfig, namespace, text.replace("INPUTS", INPUTS))
    with scene.serving("--rails", scene.rails, "--watch") as wire:
        yield Stage(scene, wire)
