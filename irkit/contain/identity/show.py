"""What a pod's identity amounts to, now."""

from __future__ import annotations

from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import PODS, SERVICE_ACCOUNTS
from irkit.cluster.subjects import Account
from irkit.contain.identity import deny, secrets, strip
from irkit.contain.identity import grants as granted
from irkit.contain.identity.nouns import Blast, Identity
from irkit.contain.identity.revoke import account_of
from irkit.errors import Forbidden, NotFound
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

NEEDS: tuple[Permission, ...] = (
    PODS.permission("get"),
    SERVICE_ACCOUNTS.permission("get", optional=True),
    *granted.NEEDS,
)


def show(pod: PodRef, cluster: Cluster) -> Identity:
    """What the account of `pod` may do, which secrets are to be rotated, and what of it is taken away.

    No secret is read or listed: rules and the pod tell their names. Raises as `resolve.check` does.
    """
    seen = check(pod, cluster).json()
    uid, account = str(seen["metadata"]["uid"]), account_of(seen)
    read = granted.bindings(cluster, pod.namespace)
    found = granted.grants(read, cluster, account)
    named = secrets.by_pod(seen, _account(read, cluster, account))
    taken = _revoked(read, cluster, pod.pinned(uid))
    return Identity(
        pod.namespace,
        pod.name,
        uid,
        str(account),
        found,
        tuple(dict.fromkeys([*named, *secrets.by_account(found)])),
        tuple(dict.fromkeys([*secrets.warnings(found), *secrets.unseen(seen)])),
        tuple(dict.fromkeys(read.gaps)),
        taken,
    )


def _account(read: granted.Bindings, cluster: Cluster, account: Account) -> Json:
    try:
        return cluster.get(SERVICE_ACCOUNTS.path(account.namespace, account.name)).json()
    except NotFound:
        return {}
    except Forbidden:
        read.gaps.append(f"service account {account}: we may not read which secrets it names")
        return {}


def _revoked(read: granted.Bindings, cluster: Cluster, pod: PodRef) -> Blast | None:
    if pod.uid and any(strip.memories(binding, pod.uid) for _, binding in read.found):
        return Blast.ACCOUNT
    try:
        return Blast.POD if len(deny.found(cluster, pod)) == 2 else None
    except Forbidden:
        read.gaps.append("admission policies: we may not list them, so that a revocation would not show")
        return None
