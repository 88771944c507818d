"""Isolation with its proof: the verdict of the policies, sharpened by what packets did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from irkit.cluster.resolve import check
from irkit.contain.hand import Hand
from irkit.contain.proof.experiment import Experiment
from irkit.contain.proof.judge import Finding
from irkit.contain.proof.nouns import Proving, concerned
from irkit.contain.verdict import weakest
from irkit.model.isolation import Isolation, Proof, Verdict
from irkit.model.pod import PodRef


def proved(
    pod: PodRef, hand: Hand, how: Proving, *, case: str, run: str, attempt: Callable[[], Isolation]
) -> Isolation:
    """What `attempt`, which isolates the pod, says, and what packets say of it."""
    seen = check(pod, hand.cluster).json()
    if not concerned(seen):
        return attempt()
    experiment = Experiment(pod.pinned(str(seen["metadata"]["uid"])), seen, hand, how, case, run)
    try:
        experiment.begin()
        done = attempt()
        found = experiment.measure()
    finally:
        experiment.end()
    untold = [Proof("packets", f"not measured: {why}", direction) for direction, why in experiment.troubles.items()]
    return replace(
        applied(done, found), proof=(*done.proof, *(one.proof for one in found), *untold), changes=hand.changes
    )


def applied(done: Isolation, found: Iterable[Finding]) -> Isolation:
    """The verdicts that follow; packets say more than an engine claims of itself.

    What a policy admits stays open, whatever one probe could not reach.
    """
    families = {direction: dict(by) for direction, by in done.families.items()}
    left = list(done.residual)
    for one in found:
        computed = families[one.direction].get(one.family)
        if computed in (Verdict.UNVERIFIED, Verdict.CLAIMED) and one.verdict is not Verdict.UNVERIFIED:
            families[one.direction][one.family] = one.verdict
            left += [one.residual] if one.residual else []
    return replace(done, families=families, verdict=weakest(families), residual=tuple(left))
