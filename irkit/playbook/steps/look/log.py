"""audit.detect@1 and audit.search@1: what the whole audit log says, whoever did it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from irkit.errors import UsageError
from irkit.model import codec
from irkit.model.evidence import Artifact, Gap
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps import collect
from irkit.playbook.steps.audit import OfLog
from irkit.playbook.steps.step import Context

COLLECTOR = "audit"


class Judged(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the audit log is, and which rules judge it; none: all of them."""

    sources: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


class DetectAttacks(OfLog):
    """Findings about anybody go into the bundle; what the log did not let the rules see, too."""

    name = "audit.detect@1"
    about = "look for attacks in the whole audit log"
    effect = Effect.COLLECT
    targeted = False
    Params = Judged

    def run(self, params: Judged, context: Context) -> Outcome:
        """Judge; a second time writes the same file anew."""
        from irkit.audit.detect.detect import detect

        if not params.sources:
            return _nowhere()
        report = detect(params.sources, only=params.rules)
        about = "what the rules of docs/detections.md find in the whole log, and what they could not see"
        artifact = context.write("audit/detections.json", COLLECTOR, [codec.pretty(report)], about)
        found = f"{len(report.findings)} findings in {report.events} audit events"
        return _ended(found, artifact, report.coverage.gaps, context)


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """Which events: those that pass `filter` (docs/audit.md), done by the pod's account alone with `by_account`.

    They go to `audit/NAME.jsonl`.
    """

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,39}$")]
    sources: tuple[str, ...] = ()
    filter: Annotated[str, Meta(max_length=1000)] = ""
    by_account: bool = False


class SearchAudit(OfLog):
    """The events as the API server wrote them. With neither filter nor account it would be the whole log: refused."""

    name = "audit.search@1"
    about = "find audit events by a filter"
    effect = Effect.COLLECT
    targeted = True
    Params = Wanted

    def check(self, params: Wanted, store: object) -> None:
        """Raise UsageError for a filter that cannot be read, or none at all."""
        from irkit.audit.filter.grammar import parse

        if params.filter.strip():
            parse(params.filter)
        elif not params.by_account:
            raise UsageError("audit.search@1 takes a filter, or by_account", "as in: verb = create and resource = pods")

    def run(self, params: Wanted, context: Context) -> Outcome:
        """Search; a second time writes the same file anew."""
        from irkit.audit.search import search
        from irkit.audit.told import line

        if not params.sources:
            return _nowhere()
        found = search(params.sources, where=_where(params, context))
        chunks = (line(match) for match in found)
        artifact = context.write(f"audit/{params.name}.jsonl", COLLECTOR, chunks, _told(params))
        many = sum(found.summary().matched.values())
        return _ended(f"{many} of {found.summary().events} audit events", artifact, found.gaps, context)


def _where(params: Wanted, context: Context) -> str:
    """The filter, with the account's name as a quoted text: names of accounts hold nothing that a filter would read."""
    account = f"system:serviceaccount:{context.target.namespace}:{context.target.service_account or 'default'}"
    own = f'user = "{account}"' if params.by_account else ""
    return " and ".join(f"({part})" for part in (own, params.filter.strip()) if part)


def _told(params: Wanted) -> str:
    whose = "by the pod's account" if params.by_account else "by anybody"
    return f"audit events {whose}" + (f" where {params.filter}" if params.filter else "")


def _nowhere() -> Outcome:
    return Outcome(Status.SKIPPED, "no audit source given", hint="name one with --audit")


def _ended(found: str, artifact: Artifact, gaps: Sequence[Gap], context: Context) -> Outcome:
    for gap in gaps:
        context.keep(gap)
    ended = collect.outcome([artifact], list(gaps))
    missing = f", {ended.details['missing']} missing" if ended.status is Status.GAPS else ""
    return Outcome(ended.status, found + missing)
