"""Falco: its alerts about the pod, from what its own pod on that node wrote to its log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from irkit import times
from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Cluster, Query, Stream
from irkit.cluster.resources import PODS
from irkit.collect.folder import Folder
from irkit.collect.gaps import gap
from irkit.collect.piece import Found, Piece
from irkit.errors import Forbidden
from irkit.model.evidence import Call
from irkit.model.permission import Permission
from irkit.model.pod import Target

# Falco runs in a namespace of its own, so these take a cluster role.
LIST = Permission("", "pods", "list", "cluster", optional=True)
READ = Permission("", "pods/log", "get", "cluster", optional=True)
LABELS = "app.kubernetes.io/name=falco"  # of Falco's own chart and manifests
CONTAINER = "falco"
ALERTS = "Falco's alerts about the pod"


@dataclass(frozen=True, slots=True)
class Falco:
    """findings/falco.jsonl: each line of Falco's that names the pod, as Falco wrote it."""

    pods: tuple[Target, ...] = ()  # of many: each on the node of the one asked about is meant; (): that one alone
    name: str = "falco"
    needs: tuple[Permission, ...] = (LIST, READ)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Nothing where Falco does not run on the pod's node: then nothing is lost."""
        seeking = {"labelSelector": LABELS, "fieldSelector": f"spec.nodeName={target.node}"}
        if not target.node:
            return
        try:
            running = list(items(cluster.pages(PODS.path(), seeking)))
        except Forbidden as error:
            yield gap(Piece(self.name, "", ALERTS, LIST), error)
            return
        for pod in running[:1]:
            metadata = part(pod, "metadata")
            path = PODS.path(str(metadata.get("namespace")), str(metadata.get("name")), "log")
            meant = tuple(each for each in self.pods if each.node == target.node) or (target,)
            since = min((each.created for each in meant if each.created), default=None)
            dated = since and all(each.created for each in meant)
            query = {"container": CONTAINER} | ({"sinceTime": times.rfc3339(since)} if since and dated else {})
            piece = Piece(self.name, "findings/falco.jsonl", ALERTS, READ)
            yield from into.stream(piece, partial(_opened, path, query, meant, cluster), proof=lambda _: None)


@dataclass(slots=True)
class _About:
    """The lines of a stream that name one of the pods."""

    log: Stream
    pods: tuple[Target, ...]

    @property
    def call(self) -> Call:
        return self.log.call

    def __iter__(self) -> Iterator[bytes]:
        return (line for line in _lines(self.log) if any(names(line, pod) for pod in self.pods))


@contextmanager
def _opened(path: str, query: Query, pods: tuple[Target, ...], cluster: Cluster) -> Iterator[_About]:
    with cluster.stream(path, query) as log:
        yield _About(log, pods)


def names(line: bytes, target: Target) -> bool:
    """Whether an alert is about the pod: its namespace and name, or its uid, stand in it as whole JSON strings.

    Alerts with `json_output` name both (k8s.ns.name, k8s.pod.name); a line that is no JSON cannot be told apart.
    """
    quoted = [f'"{text}"'.encode() for text in (target.namespace, target.name)]
    return line.startswith(b"{") and (all(text in line for text in quoted) or f'"{target.uid}"'.encode() in line)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        *whole, held = (held + chunk).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if held:
        yield held
