"""Take a pod's identity away, as far as the API lets anybody."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import CLUSTER_ROLE_BINDINGS, PODS, ROLE_BINDINGS, Resource
from irkit.cluster.subjects import Account
from irkit.contain.hand import Hand, settled
from irkit.contain.identity import deny, strip
from irkit.contain.identity import grants as granted
from irkit.contain.identity.nouns import Blast, Grant, Revocation
from irkit.contain.identity.secrets import warnings
from irkit.errors import Forbidden, NotFound
from irkit.model.isolation import Change
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

NEEDS: tuple[Permission, ...] = (PODS.permission("get"), *granted.NEEDS, *deny.NEEDS)
ACCOUNT_NEEDS: tuple[Permission, ...] = tuple(
    each.permission(verb, optional=True) for each in (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS) for verb in ("get", "patch")
)
READS = "reads go on: no admission policy sees them, and the pod's token stays valid for as long as the pod exists"
SOON = "the policy is in force a moment after it is made; whether it is was not measured"
UNBOUND = "a token that is not bound to the pod (a Secret's, or one made for another use) is not told apart"
SIBLINGS = "every pod of the account loses these grants, not only this one"


def revoke(
    pod: PodRef,
    cluster: Cluster,
    *,
    case: str,
    run: str = "",
    blast: Blast = Blast.POD,
    before: Callable[[Change], None],
    dry_run: bool = False,
) -> Revocation:
    """Refuse what `pod` writes; with `blast` account, take its account's own grants too.

    `before` is called with each change ahead of sending it. A dry run lets the server check every change and makes
    none. Raises PodReplaced for a pinned pod whose name belongs to another; Refused as `deny.put` and `strip.memory`
    do; Conflict when somebody changed a binding at every try. A binding that the API server does not let us change (it
    takes that for an escalation unless we hold what it grants) is a gap, and the others are changed all the same.
    """
    seen = check(pod, cluster).json()
    uid, account = str(seen["metadata"]["uid"]), account_of(seen)
    hand = Hand(cluster, before, dry_run)
    deny.put(hand, pod, uid, case, run)
    read = granted.bindings(cluster, pod.namespace)
    kept = granted.grants(read, cluster, account)
    notes = [READS, SOON, UNBOUND, *warnings(kept)]
    if blast is Blast.ACCOUNT:
        refused = _strip(hand, read, account, uid)
        kept = tuple(each for each in kept if not each.revocable or (each.binding, each.namespace) in refused)
        notes += [SIBLINGS, *(_stays(each) for each in kept)]
    told = tuple(dict.fromkeys(notes))
    return Revocation(
        pod.namespace, pod.name, uid, str(account), blast, hand.changes, kept, told, tuple(dict.fromkeys(read.gaps))
    )


def account_of(pod: Json) -> Account:
    """The service account that the pod runs as."""
    return Account(str(pod["metadata"]["namespace"]), str(part(pod, "spec").get("serviceAccountName") or "default"))


def _stays(grant: Grant) -> str:
    return f"{grant.role} by {grant.binding} stays: it comes through {grant.subject}"


def _strip(hand: Hand, read: granted.Bindings, account: Account, uid: str) -> set[tuple[str, str]]:
    """Take what may be taken; the bindings that we may not change are gaps, returned as (binding, namespace)."""
    refused = set()
    for resource, binding in read.found:
        if not strip.taken(binding, account, uid):
            continue
        change = partial(strip.taken, account=account, uid=uid)
        try:
            changed(hand, resource, binding, change, f"{account} taken out of its subjects")
        except Forbidden as error:
            name = f"{resource.kind}/{binding['metadata']['name']}"
            refused.add((name, str(binding["metadata"].get("namespace") or "")))
            read.gaps.append(f"{name} was not changed: {error.message}")
    return refused


def changed(hand: Hand, resource: Resource, binding: Json, change: Callable[[Json], list[Json]], detail: str) -> None:
    """Make `change` to a binding, read again at each try; one that is gone by now needs none."""
    metadata = part(binding, "metadata")
    path = resource.path(metadata.get("namespace"), str(metadata["name"]))

    def attempt() -> None:
        try:
            seen = hand.cluster.get(path).json()
        except NotFound:
            return
        if operations := change(seen):
            named = {"namespace": "", **seen["metadata"]}
            hand.patch(resource, {**seen, "metadata": named}, operations, detail)

    settled(attempt)
