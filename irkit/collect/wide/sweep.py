"""What is taken of each pod, and what once for all that share it; most volatile first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from irkit.cluster.protocol import Cluster
from irkit.collect.around.identity import Identity
from irkit.collect.around.network import Network
from irkit.collect.around.owners import Owners
from irkit.collect.around.place import Namespace, Node
from irkit.collect.around.storage import Storage
from irkit.collect.around.tools import Tools
from irkit.collect.capture import Bounds, Task, perform
from irkit.collect.collector import Collector
from irkit.collect.folder import Folder
from irkit.collect.observers.falco import Falco
from irkit.collect.piece import Found
from irkit.collect.pod.logs import Logs
from irkit.collect.pod.manifest import Manifest
from irkit.collect.wide.shared import EveryEvent, EveryUsage
from irkit.collect.wide.tables import folder_of, tables
from irkit.model.evidence import Artifact
from irkit.model.permission import Permission
from irkit.model.pod import Scope, Target
from irkit.text import slug
from irkit.times import Clock, now

OF_EACH: tuple[Collector, ...] = (Manifest(read=False), Logs(staged=True), Storage())
AT_FIRST: tuple[Collector, ...] = (EveryUsage(),)
OF_ALL: tuple[Collector, ...] = (EveryEvent(), Network(), Tools(), Namespace())
# By what pods share it: once for each, in a folder named after it.
Shared = tuple[Collector, str, Callable[[Target], str]]
SHARED: tuple[Shared, ...] = (
    (Owners(), "workloads", lambda pod: pod.owner),
    (Identity(), "accounts", lambda pod: pod.service_account or "default"),
    (Node(), "nodes", lambda pod: pod.node),
)
EVERY: tuple[Collector, ...] = (*AT_FIRST, *OF_EACH, *OF_ALL, Falco(), *(each for each, _, _ in SHARED))
NEEDS: tuple[Permission, ...] = tuple(sorted({need for each in EVERY for need in each.needs}))


def sweep(
    scope: Scope,
    cluster: Cluster,
    into: Path,
    *,
    bounds: Bounds,
    held: Mapping[str, Artifact] | None = None,
    clock: Clock = now,
) -> Iterator[Found]:
    """Everything about all pods of `scope`, as it comes; raises nothing, as `capture`.

    A pod's own evidence is in `pods/<name>/` as a capture of it alone would lay it out, and its gaps name it; what is
    read out of the pods' objects is one table for all.
    """
    folder = Folder(into, bounds.limit, bounds.budget, held=held or {}, clock=clock)
    yield from perform(list(tasks(scope.pods)), cluster, folder, bounds)
    yield from tables(scope.pods, folder)


def tasks(pods: Sequence[Target]) -> Iterator[Task]:
    """The whole work. What all share is asked for in the name of the first pod, whose namespace it is."""
    for each in AT_FIRST:
        yield Task([each], pods[0])
    for pod in pods:
        yield Task(OF_EACH, pod, folder_of(pod), f" of pod {pod.name}")
    for each in OF_ALL:
        yield Task([each], pods[0])
    watched: Shared = (Falco(tuple(pods)), "nodes", lambda pod: pod.node)
    for collector, place, shared in (*SHARED, watched):
        for name, pod in {shared(pod): pod for pod in reversed(pods) if shared(pod)}.items():
            yield Task([collector], pod, f"{place}/{slug(name)}/", f" ({name})")
