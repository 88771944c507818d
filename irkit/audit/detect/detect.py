"""All rules over any pile of logs: the findings, and what the log did not let the rules see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.attack import VERSION
from irkit.audit.detect.fresh.known import Known
from irkit.audit.detect.fresh.work import Fresh
from irkit.audit.detect.kept.doubles import compare, small
from irkit.audit.detect.kept.tally import Tally
from irkit.audit.detect.registry import BY_ID, NEWCOMERS, RULES, known
from irkit.audit.detect.sigma.load import Sigma
from irkit.audit.detect.sigma.work import SigmaWatch
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.haul import REUSED
from irkit.audit.read.blocks import Source
from irkit.audit.read.look import torn
from irkit.audit.read.remote.place import Door, default_door
from irkit.audit.read.scan import Piece, Share, pieces, spread
from irkit.audit.read.sources import Sources
from irkit.audit.read.window import Window
from irkit.model.audit import Finding
from irkit.model.evidence import Gap


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the findings can be trusted: what was read, and which rules could not see."""

    sources: tuple[str, ...] = ()
    malformed: int = 0  # lines that are not audit events
    first: datetime | None = None  # None: no event read
    last: datetime | None = None
    levels: dict[str, int] = field(default_factory=dict)  # audit level -> events
    blind: dict[str, int] = field(default_factory=dict)  # rule -> requests whose body was not logged
    allowed: dict[str, int] = field(default_factory=dict)  # rule -> events the allow-list let pass
    unreviewed: dict[str, int] = field(default_factory=dict)  # of those: by entries learned and never reviewed
    dropped: int = 0  # groups of events past the limit of what is kept
    evicted: int = 0  # halves of sequences given up for want of room (at most `LINKS` are kept)
    compared: int = 0  # events whose audit ids were compared: all of them, or none where the log is too large unasked
    forgotten: int = 0  # audit ids given up for want of room (at most `KEPT` are kept)
    rules: int = len(RULES)
    attack: str = VERSION  # version of ATT&CK
    gaps: tuple[Gap, ...] = ()  # sources that could not be read


@dataclass(frozen=True, slots=True)
class Report:
    """What `audit detect` answers."""

    events: int
    findings: tuple[Finding, ...]
    coverage: Coverage


def detect(
    sources: Sequence[str],
    *,
    allow: Allow = Allow(),  # noqa: B008 - frozen
    since: datetime | None = None,
    until: datetime | None = None,
    only: Sequence[str] = (),
    door: Door = default_door,
    sigma: tuple[Sigma, ...] = (),
    days: Known | None = None,
    ids: bool = False,
    share: Share = spread,
) -> Report:
    """Judge every event written from `since` to `until` by the rules `only` names (none: by all); `allow` excuses.

    Sources are files, folders, globs, URLs or "-"; `door` leads to the cluster for those that lie in it. One that
    cannot be read is a gap in the coverage, never an error. `sigma` are rules of users that judge beside ours; `days`
    is what ordinary days knew, for the rules that tell newcomers; `ids`: audit ids are compared in logs of any size;
    `share` shares out the reading. Raises UsageError for a rule that does not exist.
    """
    work = Watch(allow, Window(since, until), known(only))
    opened = Sources(sources, work.window, door)
    try:
        tally, coverage = watch(opened, work, share)
        if sigma:
            coverage = _also(opened, SigmaWatch(sigma, allow, work.window), share, tally, coverage, len(sigma))
        if days:
            fresh = Fresh(days, allow, work.window, work.only)
            coverage = _also(opened, fresh, share, tally, coverage, len(NEWCOMERS))
        reused: tuple[Finding, ...] = ()
        if REUSED[0] in work.only if work.only else ids or small(opened):
            reused, coverage = _doubles(opened, work, share, coverage)
    finally:
        opened.close()
    rules = BY_ID | {one.id: one.rule for one in sigma}
    findings = sorted((*tally.findings(rules), *reused), key=lambda one: (one.at, one.rule))
    return Report(sum(coverage.levels.values()), tuple(findings), coverage)


def _doubles(opened: Sources, work: Watch, share: Share, coverage: Coverage) -> tuple[tuple[Finding, ...], Coverage]:
    total, found, passed, gaps = compare(opened, work, share)
    return found, replace(
        coverage,
        compared=total.compared,
        forgotten=total.evicted,
        allowed=_sum([coverage.allowed, passed.allowed]),
        unreviewed=_sum([coverage.unreviewed, +passed.unreviewed]),
        gaps=tuple(dict.fromkeys((*coverage.gaps, *gaps))),
    )


def _also(
    opened: Sources, work: Watch | SigmaWatch | Fresh, share: Share, tally: Tally, coverage: Coverage, rules: int = 0
) -> Coverage:
    """A pass more, by so many other rules: into the same tally; what it could not see is covered too."""
    read = _merged(opened, work, share, tally)
    parts = [part for _, part in read]
    return replace(
        coverage,
        blind=_sum([coverage.blind, *(part.blind for part in parts)]),
        allowed=_sum([coverage.allowed, *(part.allowed for part in parts)]),
        unreviewed=_sum([coverage.unreviewed, *(+part.unreviewed for part in parts)]),
        dropped=tally.passed_over,
        rules=coverage.rules + rules,
        gaps=_gaps(coverage.gaps, read),
    )


def _units(source: Source, window: Window) -> Iterator[Piece]:
    return pieces(source, *window.within(source))


def watch(opened: Sources, work: Watch, share: Share = spread) -> tuple[Tally, Coverage]:
    """What the rules saw in all sources, and how far that reaches.

    Whom the rules suspect that count what heads show, they judge in a pass of their own.
    """
    tally = Tally()
    parts = _merged(opened, replace(work, suspects=frozenset()), share, tally)
    coverage = _coverage(opened, parts, tally, len(work.only) or len(RULES))
    if suspects := frozenset(tally.glance.suspects):
        again = replace(work, only=frozenset(rule for rule, _ in suspects), suspects=suspects)
        coverage = _also(opened, again, share, tally, coverage)
    return tally, coverage


def _merged(
    opened: Sources, work: Watch | SigmaWatch | Fresh, share: Share, tally: Tally
) -> list[tuple[Source, Watched]]:
    """What the pieces held, but for their tallies, which go into `tally`."""
    units = [piece for source in opened.readable for piece in _units(source, work.window)]
    parts = []
    for unit, part in zip(units, share(work, units), strict=True):
        tally.merge(part.tally)
        part.tally = Tally()  # only sums are kept, so that a log of any size takes the same memory
        parts.append((unit.source, part))
    return parts


def _gaps(known: tuple[Gap, ...], parts: list[tuple[Source, Watched]]) -> tuple[Gap, ...]:
    """Each once, however many passes and pieces met it."""
    told = (torn(source, part.torn, part.remedy) for source, part in parts if part.torn)
    return tuple(dict.fromkeys((*known, *told)))


def _coverage(opened: Sources, parts: list[tuple[Source, Watched]], tally: Tally, rules: int) -> Coverage:
    whole = [part for _, part in parts]
    return Coverage(
        sources=tuple(source.label for source in opened.readable),
        malformed=sum(part.malformed for part in whole),
        first=min((part.first for part in whole if part.first), default=None),
        last=max((part.last for part in whole if part.last), default=None),
        levels=_sum(part.levels for part in whole),
        blind=_sum(part.blind for part in whole),
        allowed=_sum(part.allowed for part in whole),
        unreviewed=_sum(+part.unreviewed for part in whole),
        dropped=tally.passed_over,
        evicted=tally.chains.evicted,
        rules=rules,
        gaps=_gaps(tuple(opened.gaps), parts),
    )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return dict(sorted(sum(map(Counter, counts), Counter[str]()).items()))
