"""All collectors together, against the clock: of one pod, or of many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from irkit.cluster.protocol import Cluster
from irkit.collect import gaps
from irkit.collect.budget import Budget
from irkit.collect.collector import Collector
from irkit.collect.folder import Folder
from irkit.collect.merge import merge
from irkit.collect.piece import Found, Piece
from irkit.collect.registry import COLLECTORS
from irkit.errors import DeadlineExceeded
from irkit.model.evidence import Artifact, Gap
from irkit.model.pod import Target
from irkit.times import Clock, now

GRACE = 10.0  # seconds after the deadline in which a collector may still hand over the part it has


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how much. Seconds for all and for one collector; bytes of one artifact (None: no cap)."""

    deadline: float = 300
    per_collector: float = 120
    limit: int | None = None
    workers: int = 8
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class Task:
    """Collectors that run one after the other about one pod, in a folder of their own."""

    collectors: Sequence[Collector]
    target: Target
    within: str = ""  # "pods/web-0/"; "": the top of the payload
    of: str = ""  # what follows the name of each piece: " of pod web-0"


def capture(
    target: Target,
    cluster: Cluster,
    into: Path,
    *,
    collectors: Sequence[Collector] = COLLECTORS,
    bounds: Bounds | None = None,
    held: Mapping[str, Artifact] | None = None,
    clock: Clock = now,
) -> Iterator[Found]:
    """Everything the collectors find about the pod, as it comes; `into` is the bundle's staged data/ folder.

    Nothing is raised: what cannot be taken is a Gap. `held` are the artifacts by path that an earlier, killed capture
    of the same pod has left in `into`, their hashes verified by the caller: whole ones are yielded as they are and not
    taken again. What else stands in `into` is taken again, and kept only where that fails: it came just before the
    kill.
    """
    tasks, bounds = [Task([each], target) for each in collectors], bounds or Bounds()
    return perform(tasks, cluster, Folder(into, bounds.limit, bounds.budget, held=held or {}, clock=clock), bounds)


def perform(tasks: Sequence[Task], cluster: Cluster, folder: Folder, bounds: Bounds) -> Iterator[Found]:
    """What all tasks find, `bounds.workers` of them at a time; raises nothing, as `capture`."""
    bounded = cluster.within(bounds.deadline)
    running = [partial(_run, each, bounded, replace(folder, within=each.within), bounds) for each in tasks]
    try:
        yield from merge(
            running,
            workers=bounds.workers,
            patience=bounds.deadline + GRACE,
            late=lambda number: _late(tasks[number]),
        )
    finally:
        folder.closed.set()


def _run(task: Task, cluster: Cluster, into: Folder, bounds: Bounds) -> Iterator[Found]:
    """What one task finds; whatever gets out of a collector, hostile objects included, costs no other its evidence."""
    for collector in task.collectors:
        try:
            for found in collector.collect(task.target, cluster.within(bounds.per_collector), into):
                yield _named(found, task.of)
        except Exception as error:
            yield _named(gaps.gap(_whole(collector), error), task.of)


def _late(task: Task) -> Iterator[Found]:
    error = DeadlineExceeded("it did not stop in time")
    return (_named(gaps.gap(_whole(each), error), task.of) for each in task.collectors)


def _named(found: Found, of: str) -> Found:
    """`found`, telling which of many pods it is about; one held from an earlier capture tells it already."""
    if not of:
        return found
    if isinstance(found, Gap):
        return replace(found, target=found.target + of)
    return found if found.about.endswith(of) else replace(found, about=found.about + of)


def _whole(collector: Collector) -> Piece:
    about = f"the rest of what collector {collector.name} takes"
    return Piece(collector.name, "", about, next(iter(collector.needs), None))
