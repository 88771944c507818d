"""All rules over any pile of logs: the findings, and what the log did not let the rules see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from irkit.audit.detect.allow import Allow
from irkit.audit.detect.attack import VERSION
from irkit.audit.detect.registry import RULES, known
from irkit.audit.detect.tally import Tally
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.read.blocks import Source
from irkit.audit.read.scan import pieces, spread
from irkit.audit.read.sources import Sources, torn
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
    dropped: int = 0  # groups of events past the limit of what is kept
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
) -> Report:
    """Judge every event written from `since` to `until` by the rules `only` names (none: by all); `allow` excuses.

    Sources are files, folders, globs or "-"; one that cannot be read is a gap in the coverage, never an error. Raises
    UsageError for a rule that does not exist.
    """
    watch = Watch(allow, Window(since, until), known(only))
    opened = Sources(sources)
    try:
        units = [piece for source in opened.readable for piece in pieces(source, *watch.window.within(source))]
        parts = [(unit.source, part) for unit, part in zip(units, spread(watch, units), strict=True)]
    finally:
        opened.close()
    return _report(opened, parts, len(watch.only) or len(RULES))


def _report(opened: Sources, parts: list[tuple[Source, Watched]], rules: int) -> Report:
    whole, tally = [part for _, part in parts], Tally()
    for part in whole:
        tally.merge(part.tally)
    coverage = Coverage(
        sources=tuple(source.label for source in opened.readable),
        malformed=sum(part.malformed for part in whole),
        first=min((part.first for part in whole if part.first), default=None),
        last=max((part.last for part in whole if part.last), default=None),
        levels=_sum(part.levels for part in whole),
        blind=_sum(part.blind for part in whole),
        allowed=_sum(part.allowed for part in whole),
        dropped=tally.dropped,
        rules=rules,
        gaps=(*opened.gaps, *(torn(source, part.torn) for source, part in parts if part.torn)),
    )
    findings = tally.findings({rule.id: rule for rule in RULES})
    return Report(sum(part.events for part in whole), tuple(findings), coverage)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return dict(sorted(sum(map(Counter, counts), Counter[str]()).items()))
