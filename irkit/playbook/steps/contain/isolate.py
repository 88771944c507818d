"""pod.isolate@1: stop the bleeding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from irkit.model.codec import plain
from irkit.model.isolation import Change, Isolation, Verdict
from irkit.model.permission import Permission
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.changes import actions, merged, would
from irkit.playbook.steps.contain import extent
from irkit.playbook.steps.contain.extent import How
from irkit.playbook.steps.contain.release import release_pod
from irkit.playbook.steps.step import Base, Context
from irkit.settings import StoreSettings
from irkit.times import now


class IsolatePod(Base):
    """Done only if it holds: an isolation that something still gets around is `unverified`, and says what.

    One that was to be proved and could not be has gaps.
    """

    name = "pod.isolate@1"
    about = "cut the pod off from the network"
    effect = Effect.MUTATE
    targeted = True
    Params = How

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of containment and, to undo, of release."""
        from irkit.contain.isolate import NEEDS
        from irkit.contain.preserve.budget import NEEDS as BUDGET
        from irkit.contain.release import NEEDS as TO_UNDO

        return tuple(sorted({*NEEDS, *BUDGET, *TO_UNDO}))

    def also(self, params: Mapping[str, Any]) -> tuple[Permission, ...]:
        """Those of a guard, of probes, and so on."""
        return tuple(extent.also(params))

    def check(self, params: How, store: StoreSettings) -> None:
        """Raise UsageError for wishes that do not go together."""
        params.extent(now())

    def run(self, params: How, context: Context) -> Outcome:
        """Isolate; the objects have names of their own, so a second time finds them there and changes nothing."""
        found = self._isolate(params, context, before=context.intend, dry_run=context.dry_run)
        whole = replace(found, changes=merged(context.intended, found.changes))
        return outcome(whole, context, to_prove=params.prove)

    def observe(self, params: How, context: Context) -> Outcome | None:
        """Done, when a dry run finds nothing left to change. A proof is made again, and connections are cut again."""
        if params.prove or params.kill_flows:
            return None
        found = self._isolate(params, context, before=lambda _: None, dry_run=True)
        return None if found.changes else outcome(replace(found, changes=context.intended), context)

    def undo(self, params: How, context: Context) -> Outcome | None:
        """Release."""
        return release_pod(context)

    def _isolate(self, params: How, context: Context, *, before: Callable[[Change], None], dry_run: bool) -> Isolation:
        from irkit.contain.hand import Hand
        from irkit.contain.quarantine import quarantine

        hand, asked = Hand(context.connect(), before, dry_run), params.extent(context.started)
        return quarantine(context.pod, hand, asked, case=context.case, run=context.run)


def outcome(isolation: Isolation, context: Context, *, to_prove: bool = False) -> Outcome:
    """How the step ends."""
    verdict = ", ".join(f"{direction} {how}" for direction, how in isolation.verdict.items())
    told = actions(isolation.changes, context, undoable=True)
    details = {"isolation": plain(isolation)}
    if isolation.holds:
        if to_prove and not context.dry_run and Verdict.PROVEN not in isolation.verdict.values():
            hint = "; ".join(proof.result for proof in isolation.proof if proof.kind == "packets")
            return Outcome(Status.GAPS, f"isolated, but not proven: {verdict}", details, told, hint)
        done = f"{would(context)}isolated"
        return Outcome(Status.DONE, f"{done}: {verdict}" if verdict else done, details, told)
    around = "; ".join(f"{left.direction} by {left.policy}: {left.why}" for left in isolation.residual)
    hint = f"still open: {around}" if around else "something still gets through"
    force = "would not be" if context.dry_run else "is not"
    return Outcome(Status.UNVERIFIED, f"isolation {force} in force: {verdict}", details, told, hint)
