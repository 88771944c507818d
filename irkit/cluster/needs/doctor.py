"""Is this cluster fit for an investigation, and are we allowed to make one? Asked before it matters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from irkit.cluster.engines import NONE, engines
from irkit.cluster.identity import identity, kubernetes_user
from irkit.cluster.needs.rbac import folded, missing
from irkit.cluster.protocol import Cluster
from irkit.cluster.resolve import no_namespace, stands
from irkit.errors import ClusterError
from irkit.model.permission import Permission
from irkit.model.run import ClusterIdentity

OLDEST, NEWEST = 34, 37  # minors of Kubernetes 1 that the contract suite runs on
SKEW = 2.0  # seconds; beyond it, times of the API server and ours do not make one timeline
_MINOR = re.compile(r"v?1\.(\d+)")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `ok` is None where it is worth knowing but stops nothing."""

    name: str
    ok: bool | None
    detail: str
    hint: str = ""  # "" when there is nothing to do


def diagnose(cluster: Cluster, needs: Iterable[Permission], namespace: str) -> Iterator[Check]:
    """Each check as it is made; one that fails for want of an answer ends the rest."""
    try:
        found = identity(cluster)
        yield Check("cluster", True, f"{cluster.server} answers" + _as(cluster))
        yield _version(found)
        yield _clock(found)
        yield _namespace(namespace, cluster)
        yield from _permissions(cluster, folded(needs), namespace)
        yield _engine(cluster)
    except ClusterError as error:
        yield Check("cluster", False, error.message, error.hint)


def _as(cluster: Cluster) -> str:
    context = f", context {cluster.context}" if cluster.context else ", in-cluster"
    user = kubernetes_user(cluster)
    return context + (f", as {user}" if user else "")


def _version(found: ClusterIdentity) -> Check:
    minor = _MINOR.match(found.version)
    known = minor is not None and OLDEST <= int(minor[1]) <= NEWEST
    hint = "" if known else f"irkit is tested on 1.{OLDEST} to 1.{NEWEST}; try `irkit demo` and a dry run first"
    return Check("version", True if known else None, f"Kubernetes {found.version or 'of an unknown version'}", hint)


def _clock(found: ClusterIdentity) -> Check:
    if found.skew is None:
        return Check("clock", None, "the API server does not tell its time", "compare the clocks by hand")
    off = abs(found.skew) > SKEW
    detail = f"the API server's clock is {abs(found.skew):.1f} s {'ahead of' if found.skew > 0 else 'behind'} ours"
    hint = "set the clocks (NTP): the bundle records the difference" if off else ""
    return Check("clock", None if off else True, detail, hint)


def _namespace(namespace: str, cluster: Cluster) -> Check:
    standing = stands(namespace, cluster)
    if standing is None:
        return Check("namespace", None, f"{namespace}: we may not look up whether there is one")
    if standing:
        return Check("namespace", True, namespace)
    missing = no_namespace(namespace)
    return Check("namespace", False, missing.message, missing.hint)


def _permissions(cluster: Cluster, needs: tuple[Permission, ...], namespace: str) -> Iterator[Check]:
    lacking = set(missing(needs, cluster, namespace))
    for need in needs:
        where = f" in {namespace}" if need.scope == "namespace" else ""
        if need not in lacking:
            yield Check("permission", True, f"may {need}{where}")
            continue
        cost = "a gap in the evidence" if need.optional else "steps that need it will be refused"
        hint = "`irkit rbac | kubectl apply -f -`, then bind it"
        yield Check("permission", None if need.optional else False, f"may not {need}{where}: {cost}", hint)


def _engine(cluster: Cluster) -> Check:
    found = engines(cluster)
    return Check("policy engine", True, ", ".join(found)) if found else Check("policy engine", None, NONE)
