"""All collectors together, against the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from irkit.cluster.protocol import Cluster
from irkit.collect import gaps
from irkit.collect.collector import Collector
from irkit.collect.folder import Folder
from irkit.collect.merge import merge
from irkit.collect.piece import Found, Piece
from irkit.collect.registry import COLLECTORS
from irkit.errors import DeadlineExceeded
from irkit.model.evidence import Artifact
from irkit.model.run import Target
from irkit.times import Clock, now

GRACE = 10.0  # seconds after the deadline in which a collector may still hand over the part it has


def capture(
    target: Target,
    cluster: Cluster,
    into: Path,
    *,
    collectors: Sequence[Collector] = COLLECTORS,
    deadline: float = 300,
    per_collector: float = 120,
    limit: int | None = None,
    held: Mapping[str, Artifact] | None = None,
    workers: int = 8,
    clock: Clock = now,
) -> Iterator[Found]:
    """Everything the collectors find about the pod, as it comes; `into` is the bundle's staged data/ folder.

    Nothing is raised: what cannot be taken is a Gap. `deadline` (for all) and `per_collector` are seconds, `limit`
    the most bytes of one artifact. `held` are the artifacts by path that an earlier, killed capture of the same pod
    has left in `into`, their hashes verified by the caller: whole ones are yielded as they are and not taken again.
    What else stands in `into` is taken again, and kept only where that fails: it came just before the kill.
    """
    folder = Folder(into, limit, held or {}, clock)
    bounded = cluster.within(deadline)
    tasks = [partial(_run, each, target, bounded, folder, per_collector) for each in collectors]
    try:
        yield from merge(
            tasks,
            workers=workers,
            patience=deadline + GRACE,
            late=lambda number: [gaps.gap(_whole(collectors[number]), DeadlineExceeded("it did not stop in time"))],
        )
    finally:
        folder.closed.set()


def _run(collector: Collector, target: Target, cluster: Cluster, into: Folder, seconds: float) -> Iterator[Found]:
    """What one collector finds; whatever gets out of it, hostile objects included, costs no other its evidence."""
    try:
        yield from collector.collect(target, cluster.within(seconds), into)
    except Exception as error:
        yield gaps.gap(_whole(collector), error)


def _whole(collector: Collector) -> Piece:
    about = f"the rest of what collector {collector.name} takes"
    return Piece(collector.name, "", about, next(iter(collector.needs), None))
