"""pod.resolve@1: which pod exactly, on which cluster, and who asks."""

from __future__ import annotations

from msgspec import Struct

from irkit.cluster import resources
from irkit.model.codec import plain
from irkit.model.permission import Permission
from irkit.model.pod import PodRef
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context


class Which(Struct, frozen=True, forbid_unknown_fields=True):
    """Which pod. With `uid`, only the pod that has it."""

    namespace: str
    pod: str
    uid: str | None = None  # None: whichever pod has the name now


class ResolvePod(Base):
    """Everything after this step acts on the uid found here, never on the name alone."""

    name = "pod.resolve@1"
    about = "find the pod and pin its uid"
    effect = Effect.READ
    targeted = False
    Params = Which

    @property
    def needs(self) -> tuple[Permission, ...]:
        """One GET."""
        return (resources.PODS.permission("get"),)

    def run(self, params: Which, context: Context) -> Outcome:
        """Find it; the identities are asked for as well, since custody wants them."""
        from irkit.cluster.identity import identity, kubernetes_user
        from irkit.cluster.resolve import resolve

        cluster = context.connect()
        target, _ = resolve(PodRef(params.namespace, params.pod, params.uid), cluster)
        details = {
            "target": plain(target),
            "cluster": plain(identity(cluster)),
            "kubernetes_user": kubernetes_user(cluster),
        }
        return Outcome(Status.DONE, f"pod {target.namespace}/{target.name} is uid {target.uid}", details)
