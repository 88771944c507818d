"""What rules ask about an event."""

from __future__ import annotations

from functools import lru_cache

from irkit.audit.read.event import Event

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease", "gke-system"})
SYSTEM_ACCOUNTS = "system:serviceaccount:kube-system:"
_PLANE = frozenset({"system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"})

# Service accounts of kube-controller-manager (with --use-service-account-credentials): kubernetes 1.37
# plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go and cmd/kube-controller-manager/names.
_CONTROLLERS = frozenset(
    """attachdetach-controller bootstrap-signer certificate-controller clusterrole-aggregation-controller
    cronjob-controller daemon-set-controller deployment-controller device-taint-eviction-controller
    disruption-controller endpoint-controller endpointslice-controller endpointslicemirroring-controller
    ephemeral-volume-controller expand-controller generic-garbage-collector horizontal-pod-autoscaler job-controller
    legacy-service-account-token-cleaner namespace-controller node-controller persistent-volume-binder
    pod-garbage-collector pv-protection-controller pvc-protection-controller replicaset-controller
    replication-controller resource-claim-controller resourcequota-controller root-ca-cert-publisher route-controller
    selinux-warning-controller service-account-controller service-cidrs-controller service-controller
    stateful-set-controller statefulset-controller storage-version-migrator-controller taint-eviction-controller
    token-cleaner ttl-after-finished-controller ttl-controller validatingadmissionpolicy-status-controller
    volumeattributesclass-protection-controller""".split()
)


def succeeded(event: Event) -> bool:
    """Authorised and not refused later."""
    return not event.refused


def of_the_plane(username: str) -> bool:
    """True for the control plane's own identities; somebody who stole one of them passes too."""
    account = username.removeprefix(SYSTEM_ACCOUNTS)
    return username in _PLANE or (account != username and account in _CONTROLLERS)


def is_node(username: str) -> bool:
    """True for a kubelet's identity."""
    return username.startswith("system:node:")


def is_account(username: str) -> bool:
    """True for a service account."""
    return username.startswith("system:serviceaccount:")


@lru_cache(4096)
def outsider(username: str) -> bool:
    """Not the control plane and not a node. The authenticated user counts: impersonation does not hide anybody."""
    return not of_the_plane(username) and not is_node(username)


def off_the_plane(username: str) -> bool:
    """Nodes, too. Controllers make the pods of templates that were judged when somebody wrote them."""
    return not of_the_plane(username)
