"""What has become of an isolation since: a policy that admits, a label or a deny gone, a guard taken away. Pure.

A `Scene` is what there is now; `drifts` says in what it is not as irkit left it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from irkit.cluster.objects import part
from irkit.cluster.protocol import Json
from irkit.contain import marks
from irkit.contain.preserve import asides
from irkit.contain.verdict import Tiers, residuals

KEPT = ("guard", "budget", "asides")


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as it was.

    `kind`: "pod", "label", "policy", "engine", "admits", "guard", "budget" or "blind".
    """

    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Deny:
    """One of ours in an engine's own kind. `whole`: it closes all, whatever allows; `obstacle`: but for this."""

    name: str  # with its kind
    whole: bool
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """The pod `uid` and all that keeps it, as of now. `expected`: what was there in the beginning, denies by name."""

    uid: str
    pod: Json | None  # None: it is gone
    policies: Mapping[str, Json]  # every one of the namespace, by name
    budgets: frozenset[str] = frozenset()  # uids of pods that have one of ours
    guarded: bool = False
    expected: frozenset[str] = field(default_factory=frozenset)
    tiers: Tiers = field(default_factory=Tiers)
    denies: tuple[Deny, ...] = ()

    @property
    def there(self) -> frozenset[str]:
        """What keeps the pod now, to be expected from now on."""
        notes = part(self.pod["metadata"], "annotations") if self.pod else {}
        kept = zip(KEPT, (self.guarded, self.uid in self.budgets, asides.MEMORY in notes), strict=True)
        return frozenset({kind for kind, is_there in kept if is_there} | {one.name for one in self.denies})

    @property
    def released(self) -> bool:
        """True once nothing of ours is left on the pod, nor its policy: somebody released it as one should."""
        if self.pod is None or marks.policy_name(self.uid) in self.policies:
            return False
        labels, notes = (part(self.pod["metadata"], key) for key in ("labels", "annotations"))
        return labels.get(marks.QUARANTINE) != self.uid and marks.ORIGINAL not in notes


def drifts(scene: Scene) -> Iterator[Drift]:
    """Gravest first."""
    if scene.pod is None:
        yield Drift("pod", "the pod is gone")
        return
    metadata, ours = scene.pod["metadata"], marks.policy_name(scene.uid)
    if metadata.get("deletionTimestamp"):
        yield Drift("pod", f"the pod is being deleted since {metadata['deletionTimestamp']}")
    labels, notes = part(metadata, "labels"), part(metadata, "annotations")
    if labels.get(marks.QUARANTINE) != scene.uid:
        yield Drift("label", f"the label {marks.QUARANTINE} is gone: nothing denies the pod anything")
    elif (placed := marks.placed(notes)) is not None and placed != labels:
        told = ", ".join(f"{key}={labels.get(key, '(gone)')}" for key in sorted(_differ(labels, placed)))
        yield Drift("label", f"labels are not as irkit left them: {told}")
    if ours not in scene.policies:
        yield Drift("policy", f"the NetworkPolicy {ours} is gone: nothing denies the pod anything")
    yield from _engines(scene)
    if labels.get(marks.QUARANTINE) != scene.uid or not any(one.whole and not one.obstacle for one in scene.denies):
        yield from _admitting(scene, labels)
    yield from _kept(scene, notes)


def _engines(scene: Scene) -> Iterator[Drift]:
    there = {one.name for one in scene.denies}
    for name in sorted(scene.expected - there - set(KEPT)):
        yield Drift("engine", f"the {name} is gone: what it alone denied is open")
    for one in scene.denies:
        if one.obstacle:
            yield Drift("engine", f"the {one.name} does not close it: {one.obstacle}")


def _admitting(scene: Scene, labels: Mapping[str, str]) -> Iterator[Drift]:
    ours = marks.policy_name(scene.uid)
    for left in residuals(labels, scene.policies.values(), ours, scene.tiers):
        if left.policy != ours or "does not select" not in left.why:
            yield Drift("admits", f"{left.direction} by {left.policy}: {left.why}")


def _kept(scene: Scene, notes: Mapping[str, str]) -> Iterator[Drift]:
    if "guard" in scene.expected and not scene.guarded:
        yield Drift("guard", "the admission policy that guards the pod is gone, or its binding is")
    if "budget" in scene.expected and scene.uid not in scene.budgets:
        yield Drift("budget", "the disruption budget is gone: the pod may be evicted")
    if "asides" in scene.expected and asides.MEMORY not in notes:
        yield Drift("label", "the annotations that keep autoscalers off the pod are gone")


def _differ(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {key for key in {*one, *other} if one.get(key) != other.get(key)}
