"""Every rule, in the order of the specification: the one visible list that detection, docs and tests walk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import groupby

from irkit.audit.detect.rule import Rule
from irkit.audit.detect.rules import (
    access,
    control,
    identity,
    newcomers,
    records,
    rights,
    secrets,
    sequences,
    workloads,
)
from irkit.errors import UsageError
from irkit.model.audit import Finding, Severity

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *access.RULES,
            *workloads.RULES,
            *secrets.RULES,
            *rights.RULES,
            *identity.RULES,
            *control.RULES,
            *sequences.RULES,
        ),
        key=lambda rule: rule.number,
    )
)

NEWCOMERS = newcomers.RULES  # asked only where a baseline is given
EVERY = (*RULES, *NEWCOMERS, *records.RULES)
BY_ID = {rule.id: rule for rule in EVERY}
_GRAVEST = tuple(reversed(Severity))


def known(ids: Iterable[str]) -> frozenset[str]:
    """The ids as a set; raises UsageError for one that no rule has."""
    for name in (found := frozenset(ids)) - BY_ID.keys():
        like = get_close_matches(name, BY_ID, 3) or sorted(BY_ID)
        raise UsageError(f"no rule is called {name!r}", f"there are: {', '.join(like)}")
    return found


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first, those of one severity in time order."""
    return sorted(findings, key=lambda found: (_GRAVEST.index(found.severity), found.at))


def by_gravity(findings: Iterable[Finding], rules: Mapping[str, Rule] = BY_ID) -> Iterator[tuple[Rule, list[Finding]]]:
    """Findings of `rules` rule by rule, the gravest rule first; each rule's in time order."""
    ordered = sorted(findings, key=lambda found: (_GRAVEST.index(found.severity), rules[found.rule].number, found.rule))
    for rule, group in groupby(ordered, key=lambda found: found.rule):
        yield rules[rule], sorted(group, key=lambda found: found.at)
