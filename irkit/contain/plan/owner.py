"""The pod's controller: whether it lets go of a pod whose labels no longer fit, and whether it had better not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Json
from irkit.contain.plan.claims import Claim
from irkit.contain.policy.selector import Labels, Requirement

LETS_GO = ("ReplicaSet", "ReplicationController", "DaemonSet")
# A StatefulSet cannot replace a pod whose name is still taken: it would stand still. A Job would do its work again.
HAD_BETTER_KEEP = {
    "StatefulSet": "a replacement would need the pod's own name",
    "Job": "a replacement would do the Job's work a second time",
}
# A StatefulSet puts the first two back on a pod that has lost them, and deletes a pod without the third as one of an
# older revision (pkg/controller/statefulset: identityMatches, getPodRevision).
IDENTITY = ("statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-revision-hash")


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller in `ownerReferences`. `claim` is None when it could not be read, or its kind is not known."""

    kind: str
    name: str
    uid: str
    claim: Claim | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def keeps(self) -> bool:
        """True for one that the pod has to stay with."""
        return self.kind in HAD_BETTER_KEEP

    def fixed(self, labels: Labels) -> tuple[Requirement, ...]:
        """What the labels have to go on fulfilling so that it keeps the pod."""
        if not self.keeps:
            return ()
        selecting = self.claim.selector.requirements if self.claim else ()
        bound = [key for key in labels if self.claim is None or key in IDENTITY]
        return (*selecting, *(Requirement(key, "In", frozenset({labels[key]})) for key in bound))

    def lets_go(self, labels: Labels) -> bool:
        """True when it gives the pod up under these labels; a controller that is being deleted gives none up."""
        return self.kind in LETS_GO and self.claim is not None and not self.claim.selector.matches(labels)


def controller(pod: Json, claims: Collection[Claim] = ()) -> Owner | None:
    """The controller of `pod`, with its claim where that is among `claims`; None for a pod that has none.

    The node of a static pod is none: it goes by no labels.
    """
    listed = entries(part(pod, "metadata"), "ownerReferences")
    found = next((entry for entry in listed if entry.get("controller") and entry.get("kind") != "Node"), None)
    if found is None:
        return None
    kind, name, uid = (str(found.get(key) or "") for key in ("kind", "name", "uid"))
    return Owner(kind, name, uid, next((claim for claim in claims if claim.kind == kind and claim.uid == uid), None))
