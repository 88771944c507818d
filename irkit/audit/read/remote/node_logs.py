"""`node-logs://NODE/PATH`: files below a node's /var/log, by the kubelet's log endpoint; no NODE: control plane."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from irkit.audit.read.look import COLLECTOR, WHERE, Found, gap, look
from irkit.audit.read.remote.failure import Failure
from irkit.audit.read.remote.place import Asked, Place
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import NODES
from irkit.errors import ClusterError, Forbidden, NotFound, Unauthorized
from irkit.model.evidence import Gap, GapReason

OPTIONS: frozenset[str] = frozenset()
NEEDS = (NODES.permission("get", "proxy", optional=True), NODES.permission("list", optional=True))
ROLES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_LINK = re.compile(rb'<a href="([^"/?]+)">')  # the kubelet lists a folder as Go's file server does
_LOG = re.compile(r"audit[\w.:-]*\.log[\w.:-]*\Z")  # audit.log, audit-2026-11-23T03-00-00.000.log.gz
_RIGHT = "it takes get on nodes/proxy (and list on nodes); or copy the file from the node"
_PATH = "give the path below /var/log, a folder with a slash at its end: node-logs:///kube-apiserver/"


def fetch(place: Place, asked: Asked, into: Path) -> Iterator[Found]:
    """The file, or every audit log in the folder, of one node or of each control plane node."""
    node, path = place.parts
    if not path:
        raise Failure(GapReason.INVALID, "the URL names no path", _PATH)
    cluster = asked.door()
    nodes = [node] if node else _control_plane(cluster)
    if not nodes:
        raise Failure(
            GapReason.ABSENT, "no node says that it is of the control plane", "name one: node-logs://NODE/PATH"
        )
    for name in nodes:
        yield from _node(cluster, name, path, into)


def _control_plane(cluster: Cluster) -> list[str]:
    try:
        found = [item["metadata"] for page in cluster.pages(NODES.path()) for item in page.json().get("items", ())]
    except ClusterError as error:
        raise _failure(error) from error
    return sorted(meta["name"] for meta in found if any(role in meta.get("labels", {}) for role in ROLES))


def _node(cluster: Cluster, node: str, path: str, into: Path) -> Iterator[Found]:
    try:
        files = [path] if not path.endswith("/") else [path + name for name in _listed(cluster, node, path)]
    except ClusterError as error:
        yield _gap(node, path, error)
        return
    if not files:
        yield gap(f"node-logs://{node}/{path}", GapReason.ABSENT, "no audit log in this folder", WHERE)
    for file in files:
        copy = into / f"node-{len(list(into.iterdir()))}"
        try:
            with cluster.stream(_url(node, file)) as stream, copy.open("wb") as out:
                out.writelines(stream)
        except ClusterError as error:
            yield _gap(node, file, error)
            continue
        yield look(copy, f"node-logs://{node}/{file}")


def _listed(cluster: Cluster, node: str, path: str) -> list[str]:
    """The audit logs that the kubelet lists in a folder."""
    names = (unquote(link.decode("ascii", "replace")) for link in _LINK.findall(cluster.get(_url(node, path)).body))
    return sorted(name for name in names if _LOG.match(name))


def _url(node: str, path: str) -> str:
    return NODES.path(name=node, subresource=f"proxy/logs/{quote(unquote(path), safe='/')}")


def _gap(node: str, path: str, error: ClusterError) -> Gap:
    failure = _failure(error)
    return Gap(COLLECTOR, f"audit log node-logs://{node}/{path}", failure.reason, failure.detail, failure.remedy)


def _failure(error: ClusterError) -> Failure:
    if isinstance(error, (Forbidden, Unauthorized)):
        return Failure(GapReason.DENIED, error.message, _RIGHT)
    if isinstance(error, NotFound):
        return Failure(GapReason.ABSENT, error.message, _PATH)
    return Failure(GapReason.UNREACHABLE, error.message, error.hint or "repeat it, or copy the file from the node")
