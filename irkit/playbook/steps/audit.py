"""audit.match@1: what the audit log says about the pod, or the pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from irkit.model.audit import AuditSummary
from irkit.model.codec import plain
from irkit.model.evidence import Artifact
from irkit.model.permission import Permission
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps import collect
from irkit.playbook.steps.step import Base, Context

if TYPE_CHECKING:
    from irkit.audit.collect import Gathered


class Sources(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the audit log is: files, folders, globs, `s3://`, `cloudwatch://`, `node-logs://`."""

    sources: tuple[str, ...] = ()


class OfLog(Base):
    """A step that reads the audit log, of which a part may lie behind the cluster's own API."""

    def also(self, params: Mapping[str, Any]) -> tuple[Permission, ...]:
        """What a source on the nodes takes: a right so far-reaching that only one named in the playbook asks for it."""
        from irkit.audit.read.remote import node_logs

        sources = params.get("sources", ())
        named = [sources] if isinstance(sources, str) else sources
        return node_logs.NEEDS if any(str(source).startswith("node-logs://") for source in named) else ()


class MatchAudit(OfLog):
    """A source that is missing or is no audit log is a gap, never a failure."""

    name = "audit.match@1"
    about = "search the audit log for the pod"
    effect = Effect.COLLECT
    targeted = True
    Params = Sources

    def run(self, params: Sources, context: Context) -> Outcome:
        """Search; a second time writes the same files anew."""
        if not params.sources:
            return Outcome(Status.SKIPPED, "no audit source given", hint="name one with --audit")
        summary, items = _gathered(params.sources, context)
        for item in items:
            context.keep(item)
        taken = [item for item in items if isinstance(item, Artifact)]
        ended = collect.outcome(taken, [item for item in items if not isinstance(item, Artifact)])
        found = f"{sum(summary.matched.values())} of {summary.events} audit events concern {context.record.whom}"
        missing = f", {ended.details['missing']} missing" if ended.status is Status.GAPS else ""
        return replace(ended, summary=found + missing, details={"audit": plain(_without_secrets(summary, context))})


def _gathered(sources: Sequence[str], context: Context) -> Gathered:
    """The events of the run's pod; of its pods, those of each in its own folder beside those of all."""
    from irkit.audit.collect import gather, gather_each
    from irkit.collect.wide.tables import folder_of

    how: dict[str, Any] = {"clock": context.clock, "door": context.connect}
    if context.record.scope:
        return gather_each(sources, context.scope.pods, folder_of, context.data, **how)
    return gather(sources, context.target, context.data, **how)


def _without_secrets(summary: AuditSummary, context: Context) -> AuditSummary:
    """What goes into the journal of a run with recipients: a finding quotes what was typed into `kubectl exec`."""
    if not context.sealing.recipients:
        return summary
    from irkit.bundle.recipients.audiences import key, learned, scrubbed

    clean: AuditSummary = scrubbed(summary, learned(context.data, key(context.key_file)))
    return clean
