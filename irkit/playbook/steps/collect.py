"""evidence.collect@1 and evidence.intrude@1: what the API offers about the pod, and what only the pod itself has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from irkit.model.evidence import Artifact, Gap, GapReason
from irkit.model.isolation import Change
from irkit.model.permission import Permission
from irkit.model.run import Action, Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context
from irkit.settings import StoreSettings

if TYPE_CHECKING:
    from irkit.collect.capture import Bounds
    from irkit.collect.collector import Collector


LONGEST = 30 * 86_400.0  # seconds: what is longer is a slip, and beyond some centuries nothing can wait for it


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds for everything and for one collector; bytes for one file, for all, and to be left free on the disk."""

    deadline: Annotated[float, Meta(gt=0, le=LONGEST)] = 300.0
    per_collector: Annotated[float, Meta(gt=0, le=LONGEST)] = 120.0
    limit: Annotated[int, Meta(ge=0)] = 0  # 0: no cap
    total: Annotated[int, Meta(ge=0)] = 0  # 0: no cap
    reserve: Annotated[int, Meta(ge=0)] = 0
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
        from irkit.collect.registry import COLLECTORS

        return outcome(*_taken(COLLECTORS, params, context))


class SweepEvidence(Base):
    """The same of many pods: each in a folder of its own, what they share once."""

    name = "evidence.sweep@1"
    about = "collect the evidence of many pods"
    effect = Effect.COLLECT
    targeted = True
    Params = Limits

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of the collectors."""
        from irkit.collect.wide.sweep import NEEDS

        return NEEDS

    def run(self, params: Limits, context: Context) -> Outcome:
        """Collect all that is not held already."""
        from irkit.collect.wide.sweep import sweep

        bounds = _bounds(params, context)
        found = sweep(
            context.scope, context.connect(), context.data, bounds=bounds, held=context.held, clock=context.clock
        )
        return outcome(*_kept(found, context))


class Inside(Limits, frozen=True, forbid_unknown_fields=True):
    """What to take that leaves traces in the pod or takes far-reaching rights; none is taken unless named."""

    # Patterns, so that a playbook's input of type string fits them.
    processes: Annotated[str, Meta(pattern="^(off|ephemeral|exec)$")] = "off"
    image: Annotated[str, Meta(max_length=500)] = ""  # of the ephemeral container
    checkpoint: bool = False
    node_logs: bool = False
    flows: bool = False
    prometheus: Annotated[str, Meta(max_length=2000)] = ""  # "cluster", an address, or "" for none
    secrets: bool = False


class IntrudeForEvidence(Base):
    """Every alteration is journalled before it is made, and stands in custody and in collection.json."""

    name = "evidence.intrude@1"
    about = "take evidence from within the pod, which leaves traces there"
    effect = Effect.MUTATE
    targeted = True
    Params = Inside

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of the intrusive collectors."""
        from irkit.collect.inside.intrusive import NEEDS

        return NEEDS

    def check(self, params: Inside, store: StoreSettings) -> None:
        """Raise UsageError for an ephemeral container of no image, and for what is no address."""
        from irkit.errors import UsageError

        if params.prometheus not in ("", "cluster"):
            from irkit.cluster.wire.elsewhere import checked

            checked(params.prometheus)

        if params.processes == "ephemeral" and not params.image:
            hint = "name an image with sh and busybox or coreutils, by digest, or choose `exec`"
            raise UsageError("an ephemeral container takes an image: --probe-image", hint)

    def run(self, params: Inside, context: Context) -> Outcome:
        """Take it; a probe that an attempt before a crash has left running is used again."""
        from irkit.bundle.recipients.audiences import key
        from irkit.collect.inside.intrusive import INTRUSIVE, Wish, intrusive

        changes = list(context.intended)

        def intend(change: Change) -> None:
            context.intend(change)
            changes.append(change)

        wish = Wish(
            "" if params.processes == "off" else params.processes,
            params.image,
            params.checkpoint,
            params.node_logs,
            params.flows,
            params.prometheus,
            params.secrets,
            key(context.key_file) if params.secrets and not context.dry_run else b"",
            sealed=bool(context.sealing.recipients),
        )
        collectors = tuple(intrusive(wish, intend))
        if context.dry_run or not collectors:
            would = "; ".join(f"{each.name}: {INTRUSIVE[each.name]}" for each in collectors)
            return Outcome(Status.DONE, f"dry run: would take {would}" if would else "nothing was asked for")
        ended = outcome(*_taken(collectors, params, context))
        actions = tuple(Action(f"{each.kind} {each.namespace}/{each.name}: {each.detail}") for each in changes)
        return Outcome(ended.status, ended.summary, ended.details, actions, hint=ended.hint)


def _taken(collectors: Sequence[Collector], params: Limits, context: Context) -> tuple[list[Artifact], list[Gap]]:
    from irkit.collect.capture import capture

    found = capture(
        context.target,
        context.connect(),
        context.data,
        collectors=collectors,
        bounds=_bounds(params, context),
        held=context.held,
        clock=context.clock,
    )
    return _kept(found, context)


def _bounds(params: Limits, context: Context) -> Bounds:
    """What was taken before, by this step and by others, is part of the total."""
    from irkit.collect.budget import Budget
    from irkit.collect.capture import Bounds

    before = sum(each.size for each in context.record.artifacts)
    budget = Budget(params.total or None, params.reserve, before)
    return Bounds(params.deadline, params.per_collector, params.limit or None, params.workers, budget)


def _kept(found: Iterable[Artifact | Gap], context: Context) -> tuple[list[Artifact], list[Gap]]:
    taken: dict[str, Artifact] = dict(context.held)
    gaps: list[Gap] = []
    for item in found:
        if isinstance(item, Gap):
            gaps.append(item)
        else:
            taken[item.path] = item
        if isinstance(item, Gap) or context.held.get(item.path) != item:
            context.keep(item)
    return list(taken.values()), gaps


def outcome(taken: list[Artifact], gaps: list[Gap]) -> Outcome:
    """How a step ends that gathers evidence. For want of room on the disk it fails: so a resumed run takes the rest."""
    missing = [gap for gap in gaps if not gap.expected]
    size = sum(artifact.size for artifact in taken)
    summary = f"{len(taken)} files, {size} bytes" + (f", {len(missing)} missing" if missing else "")
    details = {"files": len(taken), "bytes": size, "missing": len(missing)}
    if short := next((gap for gap in missing if gap.reason is GapReason.NO_ROOM), None):
        return Outcome(Status.FAILED, f"{summary}: {short.detail}", details, hint=short.remedy)
    return Outcome(Status.GAPS if missing else Status.DONE, summary, details)
