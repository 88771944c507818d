"""pod.isolate@1: stop the bleeding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from irkit.model.codec import plain
from irkit.model.isolation import Change, Isolation
from irkit.model.permission import Permission
from irkit.model.run import Action, Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context, NoParams

_DONE = {"create": "created", "patch": "changed", "delete": "deleted"}


class IsolatePod(Base):
    """Done only if it holds: an isolation that something still gets around is `unverified`, and says what."""

    name = "pod.isolate@1"
    about = "cut the pod off from the network"
    effect = Effect.MUTATE
    targeted = True
    Params = NoParams

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of containment and, to undo, of release."""
        from irkit.contain.isolate import NEEDS
        from irkit.contain.release import NEEDS as TO_UNDO

        return tuple(sorted({*NEEDS, *TO_UNDO}))

    def run(self, params: NoParams, context: Context) -> Outcome:
        """Isolate; the objects have names of their own, so a second time finds them there and changes nothing."""
        found = self._isolate(context, before=context.intend, dry_run=context.dry_run)
        return outcome(replace(found, changes=merged(context.intended, found.changes)), context)

    def observe(self, params: NoParams, context: Context) -> Outcome | None:
        """Done, when a dry run finds nothing left to change."""
        found = self._isolate(context, before=lambda _: None, dry_run=True)
        return None if found.changes else outcome(replace(found, changes=context.intended), context)

    def undo(self, params: NoParams, context: Context) -> Outcome | None:
        """Release."""
        from irkit.playbook.steps.release import release_pod

        return release_pod(context)

    def _isolate(self, context: Context, *, before: Callable[[Change], None], dry_run: bool) -> Isolation:
        from irkit.contain.isolate import isolate

        case, run = context.case, context.run
        return isolate(context.pod, context.connect(), case=case, run=run, before=before, dry_run=dry_run)


def merged(before: Iterable[Change], after: Iterable[Change]) -> tuple[Change, ...]:
    """Changes begun before a crash and those made since, each object's once."""
    return tuple({(change.action, change.kind, change.name): change for change in (*before, *after)}.values())


def outcome(isolation: Isolation, context: Context) -> Outcome:
    """How the step ends."""
    verdict = ", ".join(f"{direction} {how}" for direction, how in isolation.verdict.items())
    undo = "" if context.dry_run else f"irkit run undo {context.run}"
    would = "would be " if context.dry_run else ""
    actions = tuple(Action(f"{describe(change, would)}", undo) for change in isolation.changes)
    details = {"isolation": plain(isolation)}
    if isolation.holds:
        return Outcome(Status.DONE, f"isolated: {verdict}" if verdict else "isolated", details, actions)
    around = "; ".join(f"{left.direction} by {left.policy}: {left.why}" for left in isolation.residual)
    hint = f"still open: {around}" if around else "something still gets through"
    return Outcome(Status.UNVERIFIED, f"isolation is not in force: {verdict}", details, actions, hint)


def describe(change: Change, would: str = "") -> str:
    """One change in words."""
    done = _DONE.get(change.action, change.action)
    detail = f" ({change.detail})" if change.detail else ""
    return f"{change.kind} {change.namespace}/{change.name} {would}{done}{detail}"
