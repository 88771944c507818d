"""pod.isolate@1: stop the bleeding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from msgspec import Struct

from irkit.model.codec import plain
from irkit.model.isolation import Change, Isolation
from irkit.model.permission import Permission
from irkit.model.run import Action, Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context

_DONE = {"create": "created", "patch": "changed", "delete": "deleted"}


class How(Struct, frozen=True, forbid_unknown_fields=True):
    """With `keep_labels` the pod gets our label and keeps all others, whatever finds it by them."""

    keep_labels: bool = False


class IsolatePod(Base):
    """Done only if it holds: an isolation that something still gets around is `unverified`, and says what."""

    name = "pod.isolate@1"
    about = "cut the pod off from the network"
    effect = Effect.MUTATE
    targeted = True
    Params = How

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of containment and, to undo, of release."""
        from irkit.contain.isolate import NEEDS
        from irkit.contain.release import NEEDS as TO_UNDO

        return tuple(sorted({*NEEDS, *TO_UNDO}))

    def run(self, params: How, context: Context) -> Outcome:
        """Isolate; the objects have names of their own, so a second time finds them there and changes nothing."""
        found = self._isolate(params, context, before=context.intend, dry_run=context.dry_run)
        return outcome(replace(found, changes=merged(context.intended, found.changes)), context)

    def observe(self, params: How, context: Context) -> Outcome | None:
        """Done, when a dry run finds nothing left to change."""
        found = self._isolate(params, context, before=lambda _: None, dry_run=True)
        return None if found.changes else outcome(replace(found, changes=context.intended), context)

    def undo(self, params: How, context: Context) -> Outcome | None:
        """Release."""
        from irkit.playbook.steps.release import release_pod

        return release_pod(context)

    def _isolate(self, params: How, context: Context, *, before: Callable[[Change], None], dry_run: bool) -> Isolation:
        from irkit.contain.isolate import isolate

        return isolate(
            context.pod,
            context.connect(),
            case=context.case,
            run=context.run,
            before=before,
            dry_run=dry_run,
            keep_labels=params.keep_labels,
        )


def merged(before: Iterable[Change], after: Iterable[Change]) -> tuple[Change, ...]:
    """Changes begun before a crash and those made since, each object's once."""
    return tuple(
        {(change.action, change.kind, change.name, change.detail): change for change in (*before, *after)}.values()
    )


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
