"""Any pile of audit logs as one order of requests and findings, and of what other evidence tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.detect import watch
from irkit.audit.detect.kept.tally import Seen, Tally
from irkit.audit.detect.registry import BY_ID
from irkit.audit.detect.rule import Rule
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.read.event import decode
from irkit.audit.read.look import torn
from irkit.audit.read.remote.place import Door, default_door
from irkit.audit.read.scan import Share, pieces, spread
from irkit.audit.read.sources import Sources
from irkit.audit.read.window import Window
from irkit.audit.search import search
from irkit.audit.timeline.gather import Gather, Gathered
from irkit.audit.timeline.groups import Groups
from irkit.audit.timeline.line import Kind, Line
from irkit.model.audit import Severity
from irkit.model.evidence import Gap
from irkit.model.pod import Target
from irkit.model.run import Moment


@dataclass(frozen=True, slots=True)
class Timeline:
    """What `audit timeline` answers, in order of time."""

    lines: tuple[Line, ...]
    events: int  # read and within the window
    malformed: int  # lines that are not audit events
    untimed: int  # events without any time: they are in no line
    dropped: int  # requests past the limit of what is kept, or groups of events behind findings
    sources: tuple[str, ...]
    first: datetime | None  # None: no event
    last: datetime | None
    gaps: tuple[Gap, ...] = ()


def timeline(
    sources: Sequence[str],
    target: Target | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    where: str = "",
    allow: Allow = Allow(),  # noqa: B008 - frozen
    door: Door = default_door,
    beside: Sequence[Moment] = (),
    share: Share = spread,
) -> Timeline:
    """Requests and findings of everything, or of what concerns `target` and passes the filter `where`.

    `beside` is what other evidence tells: its moments stand between the lines of everything; those of the audit log are
    left out, since its events are told here.
    Sources are files, folders, globs, URLs or "-"; one that cannot be read is a gap, never an error. `share` shares out
    the reading. Raises UsageError for a filter that cannot be read.
    """
    work = Watch(allow, Window(since, until))
    if target is None and not where.strip():
        return _beside(_everything(sources, work, door, share), beside, work.window)
    found = search(sources, target, since=since, until=until, where=where, door=door, share=share)
    groups, watched = Groups(), Watched()
    for match in found:
        if event := decode(match.raw):
            groups.take(event, match.source, int(match.tier) if target else 0, match.reason if target else "")
            work.line(match.raw, watched)
    summary, tally = found.summary(), watched.tally
    return Timeline(
        _ordered(groups, tally),
        summary.events,
        summary.malformed,
        groups.untimed,
        groups.dropped + tally.passed_over,
        summary.sources,
        summary.first,
        summary.last,
        tuple(found.gaps),
    )


def _beside(told: Timeline, moments: Sequence[Moment], window: Window) -> Timeline:
    """The same with what other evidence tells of that time."""
    if not moments:
        return told
    kinds = {str(kind): kind for kind in (Kind.EVENT, Kind.POD, Kind.LOG, Kind.IRKIT)}
    more = (
        _other(moment, kinds[moment.source]) for moment in moments if moment.source in kinds and window.holds(moment.at)
    )
    return replace(told, lines=tuple(sorted((*told.lines, *more), key=_place)))


def _other(moment: Moment, kind: Kind) -> Line:
    severity = Severity(moment.severity) if moment.severity in list(Severity) else Severity.INFO
    return Line(moment.at, moment.at, 1, kind, severity, moment.actor, moment.what, source=moment.ref)


def _everything(named: Sequence[str], work: Watch, door: Door, share: Share) -> Timeline:
    """Two passes: one for the requests, one for the rules."""
    opened, groups, parts = Sources(named, work.window, door), Groups(), []
    try:
        units = [piece for source in opened.readable for piece in pieces(source, *work.window.within(source))]
        for unit, part in zip(units, share(Gather(work.window), units), strict=True):
            groups.merge(part.groups, unit.source.label)
            part.groups = Groups()  # only sums are kept
            parts.append((unit.source, part))
        tally, _ = watch(opened, work, share)
    finally:
        opened.close()
    gaps = (*opened.gaps, *(torn(source, part.torn) for source, part in parts if part.torn))
    return _summed(opened, [part for _, part in parts], groups, tally, gaps)


def _summed(opened: Sources, parts: list[Gathered], groups: Groups, tally: Tally, gaps: tuple[Gap, ...]) -> Timeline:
    return Timeline(
        _ordered(groups, tally),
        sum(part.events for part in parts),
        sum(part.malformed for part in parts),
        groups.untimed,
        groups.dropped + tally.passed_over,
        tuple(source.label for source in opened.readable),
        min((part.first for part in parts if part.first), default=None),
        max((part.last for part in parts if part.last), default=None),
        gaps,
    )


def _ordered(groups: Groups, tally: Tally) -> tuple[Line, ...]:
    """A finding stands behind the request that it is about."""
    lines = [*groups.lines(), *_findings(tally.fired(BY_ID))]
    return tuple(sorted(lines, key=_place))


def _place(line: Line) -> tuple[datetime, bool, str, str]:
    return line.at, line.kind is Kind.FINDING, line.actor, line.what


def _findings(fired: Iterable[tuple[Rule, Seen]]) -> Iterator[Line]:
    for rule, seen in fired:
        place = seen.place
        yield Line(
            seen.at,
            seen.at,
            len(seen.ids) or seen.times,
            Kind.FINDING,
            rule.severity,
            seen.actor,
            seen.reason,
            resource=seen.target.partition(" ")[0],
            namespace="" if rule.count else place.namespace,
            name="" if rule.count else place.name,
            rule=rule.id,
            technique=rule.techniques[0],
            audit_ids=tuple(seen.ids),
        )
