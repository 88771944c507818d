"""The plan of a run that has not begun: a dry run of it, on the real cluster, told step by step."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from irkit.cluster.protocol import Cluster
from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Change
from irkit.model.pod import Scope, Target
from irkit.model.run import ClusterIdentity, Status, StepRecord
from irkit.playbook import engine
from irkit.playbook.engine import Settings, Setup
from irkit.playbook.language import bind
from irkit.playbook.plan.rehearsal import Difference, Rehearsal
from irkit.playbook.registry import step
from irkit.playbook.schema import Approve, Escalate, Pinned, StepSpec
from irkit.settings import ClusterSettings


@dataclass(frozen=True, slots=True)
class Planned:
    """One step: what it would do, to what, and which rights that takes."""

    id: str
    does: str  # "pod.isolate@1", or "approve"
    effect: str
    status: Status  # DONE: it would be; SKIPPED: it would be left out; else what speaks against it now
    summary: str
    hint: str
    verbs: tuple[str, ...]  # permissions: "patch pods"
    differences: tuple[Difference, ...]  # by the API server's own dry run


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    playbook: str
    sha256: str
    inputs: dict[str, Any]
    cluster: ClusterIdentity | None  # None: it was not reached
    target: Target | None  # None: not found, not to be asked for, or the playbook is about several (`scope`)
    steps: tuple[Planned, ...]
    status: Status
    scope: Scope | None = None  # None: it is about one pod

    @property
    def about(self) -> str:
        """What it would be done to; where that could not be told, what failed and why."""
        if self.target:
            return f"on {self.target.namespace}/{self.target.name}, uid {self.target.uid}"
        if self.scope:
            return f"on {self.scope.what} in {self.scope.namespace}, {len(self.scope.pods)} pods"
        failed = next((one for one in self.steps if one.status in (Status.REFUSED, Status.FAILED)), None)
        return f"could not {step(failed.does).about}: {failed.summary}" if failed else "on no pod"


@dataclass(slots=True)
class _Listener:
    """Which differences are told while which step is under way. A dry run takes its steps one by one."""

    told: list[Difference]
    by_step: dict[str, tuple[Difference, ...]] = field(default_factory=dict)

    def run_started(self, run: str, folder: Path) -> None:
        """Nothing yet."""

    def step_started(self, step: StepRecord) -> None:
        """What was told before is another's."""
        self.told.clear()

    def item(self, step: str, item: Artifact | Gap | Change) -> None:
        """The server's own word is told instead."""

    def step_ended(self, step: StepRecord) -> None:
        """What was told since is this step's; what the step looked at twice, once."""
        once: list[Difference] = []
        once += (told for told in self.told if told not in once)
        self.by_step[step.id] = tuple(once)


def plan(pinned: Pinned, inputs: Mapping[str, Any], setup: Setup, settings: Settings) -> Plan:
    """What `pinned` would do now: nothing is changed, no evidence is taken, no run is kept.

    Raises what `engine.run` raises before it begins. Conditions see `run.dry_run` as true; nobody is asked.
    """
    listener, given = _Listener([]), bind.inputs(pinned.playbook, inputs)

    def connect(to: ClusterSettings) -> Cluster:
        return Rehearsal(setup.connect(to), listener.told)

    with tempfile.TemporaryDirectory(prefix="irkit-plan-") as home:
        alone = replace(setup, home=Path(home), connect=connect, progress=listener)
        record = engine.run(pinned, inputs, alone, run_id="plan", settings=settings, dry_run=True)
    steps = {one.id: one for one in record.steps}
    specs = [spec for spec in pinned.playbook.every_step if spec.id in steps]
    planned = tuple(_planned(spec, steps[spec.id], listener.by_step.get(spec.id, ())) for spec in specs)
    return Plan(pinned.name, pinned.sha256, given, record.cluster, record.target, planned, record.status, record.scope)


def _planned(spec: StepSpec, told: StepRecord, differences: tuple[Difference, ...]) -> Planned:
    verbs = tuple(str(need) for need in step(spec.does).needs)
    summary = told.summary
    if spec.approve:
        asked = spec.approve
        summary = f"would ask {_whom(asked)}"
        if wider := asked.escalate:
            summary += f"; without an answer then {_whom(wider)}"
    return Planned(spec.id, spec.does, told.effect, told.status, summary, told.hint, verbs, differences)


def _whom(asked: Approve | Escalate) -> str:
    return f"{asked.quorum} of {' or '.join(asked.roles) or 'anybody'}, for {asked.timeout}"
