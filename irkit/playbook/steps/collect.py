"""evidence.collect@1: take what the API offers about the pod."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from irkit.model.evidence import Artifact, Gap
from irkit.model.permission import Permission
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds for everything and for one collector; `limit` in bytes for one file."""

    deadline: Annotated[float, Meta(gt=0)] = 300.0
    per_collector: Annotated[float, Meta(gt=0)] = 120.0
    limit: Annotated[int, Meta(gt=0)] | None = None  # None: no cap
    workers: Annotated[int, Meta(ge=1, le=64)] = 8


class CollectEvidence(Base):
    """Each artifact and each gap is journalled as it comes, so that a crash loses neither."""

    name = "evidence.collect@1"
    about = "collect the pod's evidence"
    effect = Effect.COLLECT
    targeted = True
    Params = Limits

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of the collectors."""
        from irkit.collect.registry import COLLECTORS

        return tuple(sorted({need for collector in COLLECTORS for need in collector.needs}))

    def run(self, params: Limits, context: Context) -> Outcome:
        """Collect all that is not held already."""
        from irkit.collect.capture import capture

        taken: dict[str, Artifact] = dict(context.held)
        gaps: list[Gap] = []
        for item in capture(
            context.target,
            context.connect(),
            context.data,
            deadline=params.deadline,
            per_collector=params.per_collector,
            limit=params.limit,
            held=context.held,
            clock=context.clock,
            workers=params.workers,
        ):
            if isinstance(item, Gap):
                gaps.append(item)
            else:
                taken[item.path] = item
            if item not in context.held.values():
                context.keep(item)
        return outcome(list(taken.values()), gaps)


def outcome(taken: list[Artifact], gaps: list[Gap]) -> Outcome:
    """How a step ends that gathers evidence."""
    missing = [gap for gap in gaps if not gap.expected]
    size = sum(artifact.size for artifact in taken)
    summary = f"{len(taken)} files, {size} bytes" + (f", {len(missing)} missing" if missing else "")
    details = {"files": len(taken), "bytes": size, "missing": len(missing)}
    return Outcome(Status.GAPS if missing else Status.DONE, summary, details)
