"""A practice cluster in the hands of a test: its pod, its policies, its runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from irkit.cluster import client
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import NETWORK_POLICIES, PODS
from irkit.drill.range.server import Range
from irkit.model.evidence import Artifact, Gap
from irkit.model.isolation import Change
from irkit.model.run import Operator, RunRecord, StepRecord
from irkit.playbook import engine, find, runs
from irkit.playbook.journal import log
from irkit.settings import ClusterSettings, StoreSettings

NAMESPACE = "payments"
Json = dict[str, Any]


@dataclass
class Watcher:
    """A progress that remembers, and does what a test asks at a chosen moment ("ended resolve", "Artifact")."""

    told: list[str] = field(default_factory=list)
    acts: dict[tuple[str, int], Callable[[], object]] = field(default_factory=dict)

    def at(self, what: str, act: Callable[[], object], *, time: int = 1) -> None:
        """Do `act` when `what` is told for the `time`-th time."""
        self.acts[what, time] = act

    def run_started(self, run: str, folder: Path) -> None:
        self._tell("run")

    def step_started(self, step: StepRecord) -> None:
        self._tell(f"started {step.id}")

    def item(self, step: str, item: Artifact | Gap | Change) -> None:
        self._tell(type(item).__name__)

    def step_ended(self, step: StepRecord) -> None:
        self._tell(f"ended {step.id}")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        act = self.acts.pop((what, self.told.count(what)), None)
        if act:
            act()


@dataclass
class Practice:
    """One test's home and store, on a range shared by all."""

    range: Range
    home: Path
    progress: Watcher = field(default_factory=Watcher)

    @property
    def store(self) -> Path:
        return self.home / "store"

    @property
    def cluster(self) -> Cluster:
        return client.connect(ClusterSettings(str(self.range.kubeconfig)))

    def settings(self, kubeconfig: Path | str = "", url: str = "") -> engine.Settings:
        store = StoreSettings(url or f"file://{self.store}")
        return engine.Settings(ClusterSettings(str(kubeconfig or self.range.kubeconfig), timeout=10), store)

    def setup(self) -> engine.Setup:
        return engine.Setup(self.home, Operator("tester", "here"), progress=self.progress)

    def objects(self, path: str) -> list[Json]:
        return [item for page in self.cluster.pages(path) for item in page.json()["items"]]

    @cached_property
    def pod(self) -> str:
        """Chosen once: a pod that is isolated gets a replacement of a similar name."""
        pods = self.objects(PODS.path(NAMESPACE))
        return str(next(pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith("web-")))

    def pod_object(self) -> Json:
        return self.cluster.get(PODS.path(NAMESPACE, self.pod)).json()

    def policies(self) -> list[Json]:
        """Those that irkit made."""
        every = self.objects(NETWORK_POLICIES.path(NAMESPACE))
        return [policy for policy in every if policy["metadata"]["name"].startswith("irkit")]

    def quarantined(self) -> bool:
        return any(key.startswith("irkit.dev/") for key in self.pod_object()["metadata"].get("labels", {}))

    def inputs(self) -> Json:
        return {"namespace": NAMESPACE, "pod": self.pod, "audit": [str(self.range.audit_log)]}

    def run(
        self,
        name: str = "compromised-pod",
        *,
        inputs: Mapping[str, object] | None = None,
        settings: engine.Settings | None = None,
        dry_run: bool = False,
    ) -> RunRecord:
        """A run of the playbook `name` as r-1, case C-1."""
        return engine.run(
            find.load(name),
            self.inputs() | dict(inputs or {}),
            self.setup(),
            run_id="r-1",
            settings=settings or self.settings(),
            case="C-1",
            dry_run=dry_run,
        )

    def journal(self, run: str = "r-1") -> list[Json]:
        return log.read(runs.locate(self.home, run))

    def kinds(self, kind: str, run: str = "r-1") -> list[Json]:
        return [record for record in self.journal(run) if record["kind"] == kind]

    def stored(self) -> Iterator[Path]:
        return self.store.glob("*") if self.store.exists() else iter(())

    def released(self) -> bool:
        return not self.policies() and not self.quarantined()


def bundled(path: Path, member: str) -> bytes:
    """A member of a bundle, by its path below data/."""
    from irkit.bundle.reader import cat

    return b"".join(cat(path, f"data/{member}"))


def listed(path: Path) -> dict[str, Json]:
    """The artifacts that a bundle's collection.json names."""
    return {artifact["path"]: artifact for artifact in json.loads(bundled(path, "collection.json"))["artifacts"]}
