"""What a plan means, said before anything is done, for a person who has to decide at night."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from irkit.contain.plan.claims import BUDGET, SERVICE, Claim
from irkit.contain.plan.owner import HAD_BETTER_KEEP, LETS_GO, Owner
from irkit.contain.plan.solve import Left, Plan
from irkit.contain.policy.selector import Labels

_REMEDY = "only its edit, or another engine's deny, closes it"


def changed(before: Labels, after: Labels) -> str:
    """Such as "labels app removed, tier=db set": what becomes of a pod's labels."""
    gone = [f"{key} removed" for key in sorted(before.keys() - after.keys())]
    put = [f"{key}={value} set" for key, value in sorted(after.items()) if before.get(key) != value]
    return f"label{'s' if len(gone + put) > 1 else ''} {', '.join(gone + put)}"


def consequences(plan: Plan, owner: Owner | None) -> Iterator[str]:
    """One line each, gravest first: what cannot be evaded, what becomes of the workload, then the rest."""
    for left in plan.left:
        if left.claim.admits:
            yield f"{left.claim} still selects the pod: {_why(left)}; {_REMEDY}"
    if not plan.fewest:
        yield "fewer label changes might do as well: the search for the fewest was given up"
    yield from _owner(plan, owner)
    yield from _each(plan.evaded, SERVICE, "loses an endpoint")
    yield from _each([left.claim for left in plan.left], SERVICE, "keeps the pod: its clients get no answer from it")
    yield from _each(plan.evaded, BUDGET, "no longer counts the pod")
    adopting = [left.claim for left in plan.left if left.claim.kind in LETS_GO and not _is(left.claim, owner)]
    yield from (f"{claim} may adopt the pod: its selector matches" for claim in adopting)


def _each(claims: Iterable[Claim], kind: str, what: str) -> Iterator[str]:
    return (f"{claim} {what}" for claim in claims if claim.kind == kind)


def _is(claim: Claim, owner: Owner | None) -> bool:
    return owner is not None and claim.uid == owner.uid


def _owner(plan: Plan, owner: Owner | None) -> Iterator[str]:
    if owner is None:
        return
    if owner.keeps:
        yield f"{owner} keeps the pod: {HAD_BETTER_KEEP[owner.kind]}"
    elif owner.kind not in LETS_GO:
        yield f"irkit does not know how {owner} counts its pods: whether it replaces this one is not known"
    elif owner.claim is None:
        yield f"{owner} could not be read: whether it lets go of the pod is not known"
    elif not owner.lets_go(plan.labels):
        yield f"{owner} still counts the pod: it makes no replacement, and scaling it down may delete the pod"
    else:
        where = " on the same node" if owner.kind == "DaemonSet" else ""
        yield f"{owner} lets go of the pod and starts another{where}; on release it may delete either of the two"


def _why(left: Left) -> str:
    if not left.certain:
        return "the search for labels that evade it was given up"
    if not left.claim.selector.requirements:
        return "it selects every pod"
    alone = f"it selects {left.claim.selector}, and no label of the pod that may change evades that"
    return alone if left.alone else f"it selects {left.claim.selector}, and evading that would let another in"
