"""Who may be enforcing network policies here, as far as the API says.

By API group, never by kind: the kind ClusterNetworkPolicy exists in more than one group. An engine that brings no
group of its own (kube-router, Weave, a managed dataplane) does not show, and a group does not prove enforcement.
"""

from __future__ import annotations

from irkit.cluster.objects import entries
from irkit.cluster.protocol import Cluster

ENGINES = {
    "cilium.io": "Cilium",
    "projectcalico.org": "Calico",
    "crd.projectcalico.org": "Calico",
    "policy.networking.k8s.io": "admin network policies",
    "networking.k8s.aws": "Amazon VPC CNI",
    "crd.antrea.io": "Antrea",
    "k8s.ovn.org": "OVN-Kubernetes",
    "kubeovn.io": "Kube-OVN",
}
NONE = "no policy engine announces itself: a NetworkPolicy may change nothing; prove it"


def engines(cluster: Cluster) -> tuple[str, ...]:
    """Each engine that announces itself, with its group: "Cilium (cilium.io)"."""
    groups = {group.get("name") for group in entries(cluster.get("/apis").json(), "groups")}
    return tuple(f"{name} ({group})" for group, name in ENGINES.items() if group in groups)


def served(cluster: Cluster) -> frozenset[str]:
    """Every group with each of its versions, as in manifests: "cilium.io/v2"."""
    groups = entries(cluster.get("/apis").json(), "groups")
    return frozenset(str(version.get("groupVersion")) for group in groups for version in entries(group, "versions"))
