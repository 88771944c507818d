"""The admission policy that refuses to delete, evict or relabel one quarantined pod, and to edit what keeps it so.

That is our NetworkPolicy, the deny of an engine, the budget, and bindings from which grants of its account were taken.
No admission policy sees admission policies: neither the guard itself nor the revocation's can be kept so.
"""

from __future__ import annotations

import re

from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import (
    CALICO_TIERS,
    CLUSTER_ROLE_BINDINGS,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    ROLE_BINDINGS,
)
from irkit.contain import admission, marks
from irkit.contain.engines.deny import ENGINES
from irkit.contain.hand import Hand
from irkit.contain.identity.strip import PREFIX as REVOKED
from irkit.contain.world.objects import NAME_LABEL
from irkit.errors import UsageError
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

PREFIX = "irkit-guard"
NEEDS: tuple[Permission, ...] = tuple(
    each.permission(verb, optional=True)
    for each in (admission.POLICIES, admission.BINDINGS)
    for verb in ("create", "delete", "get", "list")
)
WHY = "quarantined by irkit as evidence"  # in every refusal
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._@/+=-]{0,200}\Z")
_CHANGES = ["UPDATE", "DELETE"]
_NAMED = (NETWORK_POLICIES, POD_DISRUPTION_BUDGETS, *ENGINES)  # what bears the name of the quarantine
_BINDINGS = (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)


def group(name: str) -> str:
    """The name of a group that may break the glass; raises UsageError for what no group is called."""
    if not _GROUP.match(name):
        raise UsageError(f"not a group: {name!r}", "--guard GROUP: who may still delete the pod, as RBAC names it")
    return name


def put(hand: Hand, pod: PodRef, uid: str, case: str, run: str, allowed: str) -> str:
    """Have it in place. Raises Refused as `admission.put` does."""
    wanted = admission.pair(PREFIX, _policy(pod, uid, group(allowed)), pod, uid, case, run)
    admission.put(hand, wanted, f"only {allowed} may delete, evict or relabel the pod")
    return f"the API server refuses to delete, evict or relabel it, but for {allowed}"


def found(cluster: Cluster, pod: PodRef) -> admission.Made:
    """Ours for the pod, binding first."""
    return admission.found(cluster, PREFIX, pod)


def _policy(pod: PodRef, uid: str, allowed: str) -> Json:
    """Names and uids are checked where they come in (PodRef), so that none can end a string of the expressions."""
    pinned = pod.pinned(uid)
    named = f"request.name == '{pinned.name}' && request.subResource == 'eviction'"
    itself = f"oldObject != null && oldObject.metadata.uid == '{pinned.uid}'"
    is_pod = "request.resource.resource == 'pods'"
    glass = f"!has(request.userInfo.groups) || !('{allowed}' in request.userInfo.groups)"
    # A pod that is on its way out is let go: its kubelet could not finish otherwise.
    same = "has(object.metadata.labels) && object.metadata.labels == oldObject.metadata.labels"
    harmless = (
        f"{is_pod} && (request.operation == 'UPDATE' ? {same} : "
        "request.operation == 'DELETE' && has(oldObject.metadata.deletionTimestamp))"
    )
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {NAME_LABEL: pod.namespace}},
            "resourceRules": [
                # Labels can be changed through the status too.
                _rule("", ["pods", "pods/status"], _CHANGES),
                _rule("", ["pods/eviction"], ["CREATE"]),
                *(_rule(each.group, [each.plural], _CHANGES) for each in (*_NAMED, CALICO_TIERS, *_BINDINGS)),
            ],
        },
        "matchConditions": [
            {"name": "the-quarantine", "expression": f"{is_pod} ? (({named}) || ({itself})) : ({_ours(pinned)})"},
            {"name": "no-broken-glass", "expression": glass},
        ],
        "validations": [
            {
                "expression": harmless,
                "message": f"{WHY}: release it first, or be of {allowed}",
                "reason": "Forbidden",
            }
        ],
    }


def _ours(pod: PodRef) -> str:
    """An expression: whether the old object, no pod, is ours for this pod, or remembers what was taken for it."""
    name, notes = marks.policy_name(str(pod.uid)), "oldObject.metadata.annotations"
    resource = "request.resource.resource"
    named = f"oldObject.metadata.name in ['{name}', '{marks.TIER}.{name}']"
    tier = f"{resource} == '{CALICO_TIERS.plural}' && oldObject.metadata.name == '{marks.TIER}'"
    taken = (
        f"has({notes}) && {notes}.exists(key, key.startsWith('{REVOKED}') && {notes}[key].contains('\"{pod.uid}\"'))"
    )
    is_binding = f"{resource} in {[each.plural for each in _BINDINGS]}"
    return f"oldObject != null && ({is_binding} ? ({taken}) : (({named}) || ({tier})))"


def _rule(api: str, resources: list[str], operations: list[str]) -> Json:
    return {"apiGroups": [api], "apiVersions": ["*"], "operations": operations, "resources": resources}
