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
        known = "is" if subject.control_plane else "may be: irkit may not get nodes"
        yield Reason("protected", f"the pod's node {known} part of the control plane")


def _looks(subject: Subject) -> Iterator[str]:
    if subject.mirror:
        yield "a static pod, which its kubelet runs from a file"
    if subject.priority_class in PRIORITIES:
        yield f"a pod of priority {subject.priority_class}"
    for key, patterns in LABELS.items():
        value = subject.labels.get(key, "")
        if any(fnmatchcase(value, pattern) for pattern in patterns):
            yield f"labelled {key}={value}, as control plane, network, DNS and storage pods are"
