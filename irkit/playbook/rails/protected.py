"""What no policy opens to a machine: pods whose loss takes the cluster, or the way to help it, down with them.

Names, labels and priority classes are what a pod says of itself: one that lies is refused, too, and so left to a
person. That is the lesser evil: the refusal is loud, a cluster without DNS is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from irkit.playbook.rails.facts import Facts, Reason, Subject
from irkit.playbook.rails.policy import Policy

# kube-system, kube-public, kube-node-lease, kube-flannel, and where network, storage and service mesh are installed by
# the instructions of their makers.
NAMESPACES = (
    "kube-*",
    "calico-*",
    "tigera-operator",
    "cilium*",
    "antrea*",
    "metallb-system",
    "istio-system",
    "linkerd*",
    "longhorn-system",
    "rook-ceph",
    "gatekeeper-system",
    "cert-manager",
    "falco",
    "irkit",
)
# Given to what a node or the cluster cannot be without (kubernetes.io/docs/tasks/administer-cluster/
# guaranteed-scheduling-critical-addon-pods).
PRIORITIES = ("system-node-critical", "system-cluster-critical")
LABELS = {
    "tier": ("control-plane",),
    "k8s-app": ("kube-dns", "kube-proxy", "calico-node", "calico-typha", "calico-kube-controllers", "cilium"),
    "app": ("csi-*", "flannel", "antrea"),
    "component": ("kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager"),
}


def protected(policy: Policy, facts: Facts) -> Iterator[Reason]:
    """Why the pod is off limits."""
    subject = facts.subject
    for pattern in (*NAMESPACES, *policy.protect.namespaces):
        if fnmatchcase(subject.namespace, pattern):
            yield Reason("protected", f"namespace {subject.namespace} is protected ({pattern})")
    if facts.own_namespace and subject.namespace == facts.own_namespace:
        yield Reason("protected", f"namespace {subject.namespace} is irkit's own")
    yield from (Reason("protected", why) for why in _looks(subject))
    if policy.protect.control_plane_nodes and subject.control_plane is not False:
        unseen = "the pod's node may be part of the control plane: irkit could not see it (needed: get nodes)"
        yield Reason("protected", "the pod's node is part of the control plane" if subject.control_plane else unseen)


def _looks(subject: Subject) -> Iterator[str]:
    if subject.mirror:
        yield "the pod is static: its kubelet runs it from a file"
    if subject.priority_class in PRIORITIES:
        yield f"the pod has priority class {subject.priority_class}, kept for what a cluster cannot be without"
    for key, patterns in LABELS.items():
        value = subject.labels.get(key, "")
        if any(fnmatchcase(value, pattern) for pattern in patterns):
            yield f"the pod's label {key}={value} marks it as part of the control plane, network, DNS or storage"
