"""What other tools around the pod have said or decided, found by API group: policies, scans, violations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import Resource
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.model.evidence import Gap, GapReason
from irkit.model.permission import Permission
from irkit.model.pod import Target
from irkit.text import slug


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool's API group; `plurals` empty: every kind in it (Gatekeeper makes one for each constraint template)."""

    name: str
    group: str
    plurals: tuple[str, ...]
    folder: str = "findings"

    @property
    def needs(self) -> tuple[Permission, ...]:
        """What reading it takes; optional, for it need not be there."""
        return tuple(Permission(self.group, plural, "list", "cluster", True) for plural in self.plurals or ("*",))


TOOLS = (
    Tool("gatekeeper", "constraints.gatekeeper.sh", ()),
    Tool("policyreport", "wgpolicyk8s.io", ("policyreports", "clusterpolicyreports")),
    Tool("openreports", "openreports.io", ("reports", "clusterreports")),
    Tool("trivy", "aquasecurity.github.io", ("vulnerabilityreports", "configauditreports", "exposedsecretreports")),
    Tool("cilium", "cilium.io", ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"), "network"),
    Tool("calico", "crd.projectcalico.org", ("networkpolicies", "globalnetworkpolicies"), "network"),
    Tool("calico-v3", "projectcalico.org", ("networkpolicies", "globalnetworkpolicies", "tiers"), "network"),
    Tool("aws", "networking.k8s.aws", ("policyendpoints", "clusternetworkpolicies"), "network"),
    Tool("antrea", "crd.antrea.io", ("networkpolicies", "clusternetworkpolicies"), "network"),
    Tool("ovn", "k8s.ovn.org", ("egressfirewalls", "adminpolicybasedexternalroutes"), "network"),
    Tool(
        "admin",
        "policy.networking.k8s.io",
        ("adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"),
        "network",
    ),
    Tool("snapshots", "snapshot.storage.k8s.io", ("volumesnapshots", "volumesnapshotcontents"), "storage"),
)


@dataclass(frozen=True, slots=True)
class Tools:
    """<folder>/<tool>-<kind>.json in findings, network or storage; findings/tools.json says what was looked for."""

    name: str = "tools"
    needs: tuple[Permission, ...] = tuple(need for tool in TOOLS for need in tool.needs)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Each list of each tool that the cluster knows; one that cannot be taken costs no other."""
        served = {group["name"]: group for group in entries(cluster.get("/apis").json(), "groups") if "name" in group}
        versions = {tool.group: _preferred(served.get(tool.group)) for tool in TOOLS}
        yield from into.compute(_LOOKED, lambda: versions)
        for tool in TOOLS:
            version = versions[tool.group]
            if version:
                yield from _tool(tool, version, target, cluster, into)


_LOOKED = Piece("tools", "findings/tools.json", "which tools the cluster knows")


def _preferred(group: Json | None) -> str | None:
    """The version to read a group in; None where the cluster does not serve it."""
    found = part(group or {}, "preferredVersion").get("version")
    return found if isinstance(found, str) else None


def _tool(tool: Tool, version: str, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
    kinds = Piece("tools", f"findings/{tool.name}.json", f"the kinds of {tool.group}")
    yield from into.document(kinds, partial(cluster.get, f"/apis/{tool.group}/{version}"))
    for kind in entries(into.json(kinds) or {}, "resources"):
        plural = str(kind.get("name") or "")
        wanted = plural in tool.plurals if tool.plurals else "list" in (kind.get("verbs") or ())
        if not wanted or "/" in plural:
            continue
        resource = Resource(tool.group, version, plural, str(kind.get("kind") or ""), bool(kind.get("namespaced")))
        piece = Piece(
            "tools",
            f"{tool.folder}/{tool.name}-{slug(plural)}.json",
            f"{plural}.{tool.group}" + (f" of namespace {target.namespace}" if resource.namespaced else ""),
            resource.permission("list", optional=True),
        )
        where = resource.path(target.namespace if resource.namespaced else None)
        yield from into.pages(piece, partial(cluster.pages, where))
        yield from _capped(piece, into)


def _capped(piece: Piece, into: Folder) -> Iterator[Gap]:
    """Gatekeeper lists the first violations of a constraint (20 unless told) and counts them all."""
    for item in into.items(piece):
        status = part(item, "status")
        listed, total = entries(status, "violations"), status.get("totalViolations")
        if isinstance(total, int) and total > len(listed):
            name = part(item, "metadata").get("name")
            yield Gap(
                piece.collector,
                f"violations of {item.get('kind')} {name}",
                GapReason.TRUNCATED,
                f"{len(listed)} of {total} are listed",
                "raise --constraint-violations-limit of Gatekeeper's audit, or read its log",
            )
