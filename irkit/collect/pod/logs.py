"""Logs: every container, init and ephemeral ones too, its current run and the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from irkit.cluster.protocol import Cluster, Json, Stream
from irkit.cluster.resolve import check
from irkit.cluster.resources import PODS
from irkit.collect import gaps
from irkit.collect.collector import Ours, pod_of
from irkit.collect.folder import Folder
from irkit.collect.merge import merge
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.containers import Container, containers
from irkit.collect.pod.manifest import GET, POD
from irkit.errors import Invalid, IrkitError, NotFound
from irkit.model.permission import Permission
from irkit.model.pod import Target
from irkit.text import slug

READ = PODS.permission("get", "log")
AT_ONCE = 4  # streams: one slow log must not keep the others waiting until the deadline
RUNS = ("previous", "current")  # most volatile first: the next restart removes the previous log


@dataclass(frozen=True, slots=True)
class Logs:
    """logs/<container>.<run>.log, byte for byte what `kubectl logs --timestamps` prints."""

    staged: bool = False  # True: the pod's object was taken a moment ago, and names its containers
    name: str = "logs"
    needs: tuple[Permission, ...] = (GET, READ)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Every log of the pod that has our uid; when that pod is gone, each of its logs is a gap."""
        taken = into.json(POD) if self.staged else None
        pod, refusal = (taken, None) if taken else _pod(target, cluster, into)
        logs = [(each, run) for run in RUNS for each in containers(pod)]
        if refusal and not logs:
            yield gaps.gap(Piece(self.name, "", "the logs of its containers", READ), refusal)
        ours = Ours(target, cluster)
        take = partial(_take, ours=ours, into=into, refusal=refusal)
        yield from merge([partial(take, *log) for log in logs], workers=AT_ONCE)


def _pod(target: Target, cluster: Cluster, into: Folder) -> tuple[Json, IrkitError | None]:
    """The pod's object, and why its logs cannot be asked for (None: they can)."""
    known = {"spec": {"containers": [{"name": name} for name in target.images]}}
    try:
        return check(pod_of(target), cluster).json(), None
    except NotFound as error:
        where = f"/var/log/pods/{target.namespace}_{target.name}_{target.uid} on node {target.node or 'of the pod'}"
        gone = gaps.Lost(error.message, f"look in the log backend, and soon in {where}", status=error.status)
        return into.json(POD) or known, gone
    except IrkitError as error:
        return into.json(POD) or known, error


def _take(container: Container, run: str, *, ours: Ours, into: Folder, refusal: IrkitError | None) -> list[Found]:
    target, cluster = ours.target, ours.cluster
    kind = "" if container.kind == "regular" else f"{container.kind} "
    path = f"logs/{slug(container.name)}.{run}.log"
    piece = Piece("logs", path, f"{run} log of {kind}container {container.name}", READ)

    @contextmanager
    def opened() -> Iterator[Stream]:
        if refusal:
            raise refusal
        log = PODS.path(target.namespace, target.name, "log")
        query = {"container": container.name, "timestamps": "true", "previous": str(run == "previous").lower()}
        try:
            with ours.expecting(path), cluster.stream(log, query) as stream:
                yield stream
        except Invalid as error:
            raise gaps.no_log(error, container.restarts) from error

    def proof(first: bytes) -> None:
        # The kubelet finds pod and container by name when the request comes, and then reads that container's file to
        # its end: the uid asked for after the first bytes says whose log it is, whatever befalls the pod meanwhile.
        ours.prove(path)
        gaps.not_a_log(first)

    return list(into.stream(piece, opened, proof=proof))
