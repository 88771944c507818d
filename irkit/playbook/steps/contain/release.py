"""pod.release@1: give the pod its network back."""

from __future__ import annotations

from msgspec import Struct

from irkit.model.codec import plain
from irkit.model.permission import Permission
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.changes import actions, merged, would
from irkit.playbook.steps.step import Base, Context


class Whatever(Struct, frozen=True, forbid_unknown_fields=True):
    """With `force`, labels that others changed since stay as they made them; without, they are a reason to refuse.

    `former`: what is left of former pods of the same name goes, too.
    """

    force: bool = False
    former: bool = False


class ReleasePod(Base):
    """Exactly what isolation changed is changed back, from what the objects themselves carry."""

    name = "pod.release@1"
    about = "give the pod its network back"
    effect = Effect.MUTATE
    targeted = True
    outlives = True
    Params = Whatever

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of release; optional, what else an isolation may have left."""
        from irkit.contain.preserve import guard, node
        from irkit.contain.proof.probe import TO_REMOVE
        from irkit.contain.release import NEEDS

        return tuple(sorted({*NEEDS, *guard.NEEDS, *node.NEEDS, *TO_REMOVE}))

    def run(self, params: Whatever, context: Context) -> Outcome:
        """Release; what is released already stays so."""
        return release_pod(context, force=params.force, former=params.former)


def release_pod(context: Context, *, force: bool = False, former: bool = False) -> Outcome:
    """Release the run's pod; `former`: and whatever had its name."""
    from irkit.contain.release import release

    cluster = context.connect()
    warnings: list[str] = []
    pod = context.named if former else context.pod
    changes = release(pod, cluster, before=context.intend, dry_run=context.dry_run, force=force, warn=warnings.append)
    changes = merged(context.intended, changes)
    summary = f"{would(context)}released" if changes else "was not isolated: nothing to release"
    details = {"changes": plain(changes), "warnings": list(dict.fromkeys(warnings))}
    return Outcome(Status.DONE, summary, details, actions(changes, context))
