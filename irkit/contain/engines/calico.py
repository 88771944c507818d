"""Calico: tiers are asked in order, and the first rule that fits decides; so ours has to be the first.

What comes from the pod's own node gets through whatever a policy says (Calico lets a host reach its workloads).
"""

from __future__ import annotations

from collections.abc import Iterable

from irkit.cluster.objects import part
from irkit.cluster.protocol import Json
from irkit.contain import marks

TIER = marks.TIER
LAST = 1_000_000.0  # the order of the default tier


def tier(others: Iterable[Json]) -> Json:
    """The spec of a tier that is asked before `others`. What it does not deny it passes on."""
    first = min((order(one) for one in others), default=LAST)
    return {"order": first / 2 if first > 0 else first - 1, "defaultAction": "Pass"}


def order(one: Json) -> float:
    """Where a tier stands; one without an order comes last."""
    found = part(one, "spec").get("order")
    return float(found) if isinstance(found, int | float) else float("inf")


def obstacle(listed: Iterable[Json]) -> str | None:
    """Why a deny in our tier would not hold among the tiers `listed`; None: no other may be asked before ours."""
    named = {str(part(one, "metadata").get("name")): one for one in listed}
    ours = named.pop(TIER, None)
    if ours is None:
        return f"the tier {TIER} is gone"
    before = [name for name, one in named.items() if order(one) <= order(ours)]
    return f"another tier is asked before {TIER}, or may be: {', '.join(sorted(before))}" if before else None


def spec(uid: str, namespace: str) -> Json:
    """Deny the one pod both directions."""
    selector = f"{marks.QUARANTINE} == '{uid}' && projectcalico.org/namespace == '{namespace}'"
    deny = [{"action": "Deny"}]
    rules = {"types": ["Ingress", "Egress"], "ingress": deny, "egress": deny}
    return {"tier": TIER, "order": 0, "selector": selector, **rules}
