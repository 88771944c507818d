"""Everything that finds pods by their labels: policies that admit, Services, disruption budgets, controllers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from irkit.cluster.objects import part
from irkit.cluster.protocol import Json
from irkit.contain.policy import read
from irkit.contain.policy.nouns import Action, Policy
from irkit.contain.policy.selector import Labels, Selector, selector
from irkit.contain.policy.tiers import tiered
from irkit.model.isolation import Direction

POLICY, SERVICE, BUDGET = "NetworkPolicy", "Service", "PodDisruptionBudget"
# Those that own their pods, and Deployments, by whose selector autoscalers count and people look.
CONTROLLERS = ("ReplicaSet", "Deployment", "DaemonSet", "StatefulSet", "Job", "ReplicationController")


@dataclass(frozen=True, slots=True)
class Claim:
    """One object that finds pods with `selector`; `directions` are those a policy admits traffic in."""

    kind: str
    name: str
    selector: Selector
    directions: frozenset[Direction] = frozenset()
    uid: str = ""
    ending: bool = False  # it is being deleted

    @property
    def admits(self) -> bool:
        """True for a policy, of whatever kind."""
        return bool(self.directions)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def of_policies(policies: Iterable[Policy]) -> Iterator[Claim]:
    """A claim for each policy that has a rule; one without admits nothing and need not be evaded."""
    for policy in policies:
        if admitting := frozenset(direction for direction, rules in policy.rules.items() if rules):
            yield Claim(POLICY, policy.name, policy.pods, admitting)


def of_tiers(manifests: Iterable[Json], space: Labels) -> Iterator[Claim]:
    """A claim for each policy of the admin tier that admits traffic to pods of a namespace with labels `space`."""
    for manifest in manifests:
        with suppress(ValueError):
            one = tiered(manifest)
            allowing = {way for way, rules in one.rules.items() if any(rule.action is Action.ALLOW for rule in rules)}
            if allowing and not one.baseline and one.namespaces.matches(space):
                yield Claim(one.kind, one.name, one.pods, frozenset(allowing))


def of_object(known: Json) -> Iterator[Claim]:
    """The claim of an object of any kind, if it has one. One that cannot be understood has none: nobody obeys it."""
    kind, metadata = str(known.get("kind")), part(known, "metadata")
    try:
        if kind == POLICY:
            yield from of_policies([read.policy(known)])
        elif (found := _selector(kind, part(known, "spec"))) is not None:
            uid, ending = str(metadata.get("uid") or ""), bool(metadata.get("deletionTimestamp"))
            yield Claim(kind, str(metadata.get("name")), found, uid=uid, ending=ending)
    except ValueError:
        return


def _selector(kind: str, spec: Json) -> Selector | None:
    """None selects no pod. An empty selector does so in a Service; in a budget it selects every pod (policy/v1)."""
    given = spec.get("selector")
    if kind in (SERVICE, "ReplicationController"):
        return _exact(given) if isinstance(given, Mapping) and given else None
    if kind == BUDGET or kind in CONTROLLERS:
        return selector(given) if given is not None else None
    return None


def _exact(labels: Mapping[str, str]) -> Selector:
    return selector({"matchLabels": {str(key): str(value) for key, value in labels.items()}})
