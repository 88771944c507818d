"""Whether a pod with these labels is cut off, computed from every policy of its namespace, ours included.

Policies are additive: a direction is closed when some policy selects the pod for it and none that does has a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from irkit.cluster.objects import part
from irkit.cluster.protocol import Json
from irkit.contain.policy import read, words
from irkit.contain.policy.nouns import Policy
from irkit.model.isolation import Direction, Residual, Verdict


def residuals(labels: Mapping[str, str], manifests: Iterable[Json], ours: str) -> tuple[Residual, ...]:
    """What still admits traffic to or from a pod with `labels`; `ours` is the name of the quarantining policy.

    A policy that cannot be understood is taken to admit everything.
    """
    known: list[Policy] = []
    left: list[Residual] = []
    for manifest in manifests:
        try:
            known.append(read.policy(manifest))
        except ValueError as error:
            name = str(part(manifest, "metadata").get("name"))
            left += [Residual(name, direction, f"it cannot be understood: {error}") for direction in Direction]
    selecting = [policy for policy in known if policy.pods.matches(labels)]
    return (*left, *(residual for direction in Direction for residual in _open(direction, selecting, ours)))


def _open(direction: Direction, selecting: list[Policy], ours: str) -> Iterator[Residual]:
    concerned = [policy for policy in selecting if direction in policy.rules]
    if not concerned:
        yield Residual(ours, direction, "it does not select the pod: the policy or the pod's label is gone")
    for policy in concerned:
        if policy.rules[direction]:
            chosen = f"selects {policy.pods}" if policy.pods.requirements else "selects every pod"
            yield Residual(policy.name, direction, f"it {chosen} and admits {words.admits(policy, direction)}")


def judged(left: Iterable[Residual]) -> dict[Direction, Verdict]:
    """Per direction: open where something is left, else not known to be enforced."""
    opened = {residual.direction for residual in left}
    return {direction: Verdict.INEFFECTIVE if direction in opened else Verdict.UNVERIFIED for direction in Direction}
