"""pod.release@1: give the pod its network back."""

from __future__ import annotations

from irkit.model.codec import plain
from irkit.model.permission import Permission
from irkit.model.run import Action, Effect, Outcome, Status
from irkit.playbook.steps.isolate import describe, merged
from irkit.playbook.steps.step import Base, Context, NoParams


class ReleasePod(Base):
    """Exactly what isolation changed is changed back, from what the objects themselves carry."""

    name = "pod.release@1"
    about = "give the pod its network back"
    effect = Effect.MUTATE
    targeted = True
    Params = NoParams

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of release."""
        from irkit.contain.release import NEEDS

        return NEEDS

    def run(self, params: NoParams, context: Context) -> Outcome:
        """Release; what is released already stays so."""
        return release_pod(context)


def release_pod(context: Context) -> Outcome:
    """Release the run's pod."""
    from irkit.contain.release import release

    cluster = context.connect()
    changes = release(context.pod, cluster, before=context.intend, dry_run=context.dry_run)
    changes = merged(context.intended, changes)
    would = "would be " if context.dry_run else ""
    actions = tuple(Action(describe(change, would)) for change in changes)
    summary = f"{would}released" if changes else "was not isolated: nothing to release"
    return Outcome(Status.DONE, summary, {"changes": plain(changes)}, actions)
