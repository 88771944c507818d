"""pod.resolve@1 and pods.resolve@1: which pods exactly, on which cluster, and who asks."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from irkit.cluster import resources
from irkit.cluster.protocol import Cluster
from irkit.errors import NotFound, PodReplaced, UsageError
from irkit.model.codec import plain
from irkit.model.permission import Permission
from irkit.model.pod import PodRef, Target
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context
from irkit.settings import StoreSettings


class Which(Struct, frozen=True, forbid_unknown_fields=True):
    """Which pod. With `uid`, only the pod that has it. `or_gone`: also one that is gone, for what is left of it."""

    namespace: str
    pod: str
    uid: str | None = None  # None: whichever pod has the name now
    or_gone: bool = False


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
        from irkit.cluster.resolve import resolve

        cluster = context.connect()
        pod = PodRef(params.namespace, params.pod, params.uid)
        try:
            target, _ = resolve(pod, cluster)
            told = f"pod {pod} is uid {target.uid}"
        except (NotFound, PodReplaced) as error:
            if not params.or_gone:
                raise
            target, told = Target(pod.namespace, pod.name, pod.uid or ""), error.message
        return Outcome(Status.DONE, told, {"target": plain(target), **_asked(cluster)})


class Several(Struct, frozen=True, forbid_unknown_fields=True):
    """Which pods: of a workload ("deployment/web"), or those a label selector fits, or with neither all of them."""

    namespace: str
    workload: str = ""
    selector: str = ""


class ResolvePods(Base):
    """Everything after this step takes from the uids found here, never from a name alone."""

    name = "pods.resolve@1"
    about = "find the pods and pin their uids"
    effect = Effect.READ
    targeted = False
    Params = Several

    @property
    def needs(self) -> tuple[Permission, ...]:
        """A list, and the workload that is named."""
        from irkit.collect.wide.select import NEEDS

        return NEEDS

    def check(self, params: Several, store: StoreSettings) -> None:
        """Raise UsageError for both ways of naming them at once."""
        if params.workload and params.selector:
            raise UsageError("a workload and a selector are two ways to name pods", "give one of them")

    def run(self, params: Several, context: Context) -> Outcome:
        """Find them."""
        from irkit.collect.wide.select import scope

        cluster = context.connect()
        found = scope(params.namespace, params.workload, params.selector, cluster)
        told = f"{found.what} in {found.namespace}: {len(found.pods)} pods"
        return Outcome(Status.DONE, told, {"scope": plain(found), **_asked(cluster)})


def _asked(cluster: Cluster) -> dict[str, Any]:
    """Which cluster this is, and who it takes us for."""
    from irkit.cluster.identity import identity, kubernetes_user

    return {"cluster": plain(identity(cluster)), "kubernetes_user": kubernetes_user(cluster)}
