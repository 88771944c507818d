"""All that keeps a quarantined pod in being, put and taken back. What fails is a warning: it never costs more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import POD_DISRUPTION_BUDGETS, PODS
from irkit.contain import admission, marks
from irkit.contain.hand import Hand, difference, settled
from irkit.contain.preserve import asides, budget, guard, node
from irkit.errors import ClusterError, Forbidden, NotFound, Refused
from irkit.model.isolation import Isolation
from irkit.model.pod import PodRef

# What rebalancers look for before they delete a pod. The pod itself carries it, so it needs no permission of its own.
ASIDE = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
LINGERS = 15  # seconds that an admission policy may go on refusing after it was deleted


@dataclass(frozen=True, slots=True)
class Preserving:
    """How far to go: annotations and a budget always, `cordon` the node, `guard` against all but this group ("": no).

    Raises UsageError for what is no group.
    """

    cordon: bool = False
    guard: str = ""

    def __post_init__(self) -> None:
        if self.guard:
            guard.group(self.guard)


def preserved(done: Isolation, hand: Hand, how: Preserving, case: str, run: str) -> Isolation:
    """The isolation `done`, with what keeps the pod in being."""
    pod = PodRef(done.namespace, done.name, done.uid)
    told, warnings = list[str](), list[str]()
    for act in _acts(pod, hand, how, case, run):
        try:
            told.append(act())
        except (ClusterError, Refused) as error:
            warnings.append(f"the pod is less well kept than asked for: {error.message}")
    return replace(done, preserved=tuple(told), warnings=(*done.warnings, *warnings), changes=hand.changes)


def _acts(pod: PodRef, hand: Hand, how: Preserving, case: str, run: str) -> Iterator[Callable[[], str]]:
    """The guard last: it would refuse ourselves."""
    uid = str(pod.uid)
    yield partial(_annotated, hand, pod)
    yield partial(budget.put, hand, pod, uid, case, run)
    if how.cordon:
        yield lambda: node.cordon(hand, _node(hand, pod), uid)
    if how.guard:
        yield partial(guard.put, hand, pod, uid, case, run, how.guard)


def _node(hand: Hand, pod: PodRef) -> str:
    return str(part(check(pod, hand.cluster).json(), "spec").get("nodeName") or "")


def _annotated(hand: Hand, pod: PodRef) -> str:
    settled(partial(_annotate, hand, pod))
    return "autoscalers leave it alone (annotations)"


def _annotate(hand: Hand, pod: PodRef) -> None:
    seen = check(pod, hand.cluster).json()
    notes = part(seen["metadata"], "annotations")
    if not ASIDE.items() <= notes.items():
        operations = list(difference("/metadata/annotations", notes, asides.put(notes, ASIDE)))
        hand.patch(PODS, seen, operations, "annotations that keep autoscalers off it")


def guards(hand: Hand, pod: PodRef, warn: Callable[[str], None]) -> admission.Made:
    """The guard of the pod, in the order in which to delete it; none where there is none."""
    try:
        return guard.found(hand.cluster, pod)
    except Forbidden as error:
        warn(f"whether a guard is left is not known: {error.message}")
        return []


def past_guard(hand: Hand, act: Callable[[Hand], None], *, gone: bool) -> None:
    """Do what a guard refuses, once it is `gone`: every API server hears of that a moment later.

    So `act` is tried as a dry run, which announces nothing, until it is let through.
    """
    if not gone:
        try:
            return act(hand)
        except Forbidden as error:  # by a guard that somebody else took away just now?
            if hand.dry_run or guard.WHY not in error.message:
                raise
    ends = time.monotonic() + LINGERS
    while _refused(hand, act) and time.monotonic() < ends:
        time.sleep(0.1)
    return act(hand)


def _refused(hand: Hand, act: Callable[[Hand], None]) -> bool:
    try:
        act(Hand(hand.cluster, lambda _: None, dry_run=True))
    except Forbidden:
        return True
    return False


def given_up(hand: Hand, pod: PodRef, uids: Iterable[str], warn: Callable[[str], None]) -> None:
    """Take budget and cordon back."""
    known = set(uids)
    try:
        for found in _budgets(hand, pod.namespace):
            if marks.owner(found) in known:
                hand.delete(POD_DISRUPTION_BUDGETS, found, "the quarantine ends", as_seen=False)
    except NotFound:
        pass  # somebody was faster
    except Forbidden as error:
        warn(f"whether a disruption budget is left is not known: {error.message}")
    try:
        node.uncordon(hand, known)
    except Forbidden as error:
        warn(f"whether a node is left cordoned is not known: {error.message}")


def budgets(hand: Hand, pod: PodRef) -> list[Json]:
    """Ours for the pod, as far as they may be looked for: who takes them back says what may not."""
    try:
        return [found for found in _budgets(hand, pod.namespace) if marks.concerns(found, pod)]
    except (Forbidden, NotFound):
        return []


def _budgets(hand: Hand, namespace: str) -> list[Json]:
    return list(items(hand.cluster.pages(POD_DISRUPTION_BUDGETS.path(namespace), marks.OURS)))
