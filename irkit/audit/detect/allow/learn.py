"""An allow-list out of a log of ordinary days: what each identity does there that a rule would report."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from irkit.audit.detect.allow.entries import ANY, Allow, Entry
from irkit.audit.detect.detect import Coverage, watch
from irkit.audit.detect.fresh.known import Known
from irkit.audit.detect.fresh.work import learn as values_of
from irkit.audit.detect.kept.tally import Seen
from irkit.audit.detect.registry import BY_ID
from irkit.audit.detect.rule import Rule
from irkit.audit.detect.work import Watch
from irkit.audit.read.remote.place import Door, default_door
from irkit.audit.read.scan import Share, spread
from irkit.audit.read.sources import Sources
from irkit.audit.read.window import Window
from irkit.model.audit import Severity

MANY = 20  # different names in one namespace: from here on any name of it
_GRAVITY = tuple(Severity)
# What controllers append: five characters of this alphabet, behind the hash of a template or not (k8s.io/apimachinery
# util/rand; it leaves out vowels and what looks like another character).
_GENERATED = re.compile(r"(?:-[bcdfghjklmnpqrstvwxz2456789]{8,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}\Z")


@dataclass(frozen=True, slots=True)
class Habit:
    """One identity in one namespace: the entry that would excuse it, and what it rests on."""

    entry: Entry
    severity: Severity  # the gravest of its rules
    times: int  # events
    first: datetime
    example: str  # the reason a finding gave


@dataclass(frozen=True, slots=True)
class Baseline:
    """What `audit baseline` answers. `grave` is never excused by habit: a person writes such an entry, or nobody."""

    events: int
    learned: tuple[Habit, ...]
    grave: tuple[Habit, ...]
    coverage: Coverage
    known: Known | None = None  # None: not asked for


def learn(
    sources: Sequence[str],
    *,
    allow: Allow = Allow(),  # noqa: B008 - frozen
    since: datetime | None = None,
    until: datetime | None = None,
    door: Door = default_door,
    knowing: bool = False,
    share: Share = spread,
) -> Baseline:
    """The habits in `sources` that `allow` does not excuse yet. What is critical goes to `grave`.

    `knowing`: who and what was seen there at all, too, for the rules that tell newcomers. `share` shares out the
    reading.
    """
    work = Watch(allow, Window(since, until))
    opened = Sources(sources, work.window, door)
    try:
        tally, coverage = watch(opened, work, share)
        known = values_of(opened, work.window, share) if knowing else None
    finally:
        opened.close()
    habits = sorted(_joined(_habits(tally.fired(BY_ID))), key=lambda one: -_GRAVITY.index(one.severity))
    grave = sum(one.severity is Severity.CRITICAL for one in habits)  # they stand first
    return Baseline(sum(coverage.levels.values()), tuple(habits[grave:]), tuple(habits[:grave]), coverage, known)


def _habits(fired: Iterable[tuple[Rule, Seen]]) -> Iterator[Habit]:
    """One per rule, identity and namespace. A rule that counts is excused for its subject as a whole."""
    groups: dict[tuple[str, str, str | None], list[Seen]] = {}
    for rule, seen in fired:
        namespace = None if rule.count else seen.place.namespace
        groups.setdefault((rule.id, seen.place.user, namespace), []).append(seen)
    for (rule_id, user, where), group in sorted(groups.items(), key=lambda item: tuple(map(str, item[0]))):
        namespaces, names = (ANY, ANY) if where is None else ((glob.escape(where),), _names(group))
        entry = Entry("", (rule_id,), (glob.escape(user),), namespaces, names, learned=True)
        first = min(group, key=lambda seen: seen.at)
        yield Habit(entry, BY_ID[rule_id].severity, sum(seen.times for seen in group), first.at, first.reason)


def _names(group: list[Seen]) -> tuple[str, ...]:
    found = sorted({_pattern(seen.place.name) for seen in group})
    return tuple(found) if len(found) < MANY else ANY


def _pattern(name: str) -> str:
    """`web-6d9f7c5b8-x2x7k` is any pod of its template's owner, not this one pod."""
    generated = _GENERATED.search(name)
    return f"{glob.escape(name[: generated.start()])}-*" if generated else glob.escape(name)


def _joined(habits: Iterable[Habit]) -> Iterator[Habit]:
    """Rules that ask for the same excuse share an entry; critical ones stay apart."""
    groups: dict[object, list[Habit]] = {}
    for one in habits:
        entry = one.entry
        key = (one.severity is Severity.CRITICAL, entry.users, entry.namespaces, entry.names)
        groups.setdefault(key, []).append(one)
    for group in groups.values():
        rules = tuple(rule for one in group for rule in one.entry.rules)
        times, first = sum(one.times for one in group), min(one.first for one in group)
        gravest = max(group, key=lambda one: _GRAVITY.index(one.severity))
        reason = f"learned: {times} events since {first:%Y-%m-%d}"
        yield replace(gravest, entry=_entry(gravest.entry, rules, reason), times=times, first=first)


def _entry(entry: Entry, rules: tuple[str, ...], reason: str) -> Entry:
    return Entry(reason, rules, entry.users, entry.namespaces, entry.names, entry.learned)
