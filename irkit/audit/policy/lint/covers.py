"""Whether an earlier rule takes every request that a later one could: then the later one decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from irkit.audit.policy.decide import under
from irkit.audit.policy.document import Path
from irkit.audit.policy.nouns import PolicyRule, Resources
from irkit.audit.policy.request import AUTHENTICATED, UNAUTHENTICATED, groups_of

ATOMS = 20_000  # of one rule; the rest of a larger one is taken for alive


@dataclass(frozen=True, slots=True)
class Atom:
    """The part of a rule with one of each thing that it lists, and the path of what it is in the file."""

    rule: PolicyRule
    path: Path


def atoms(rule: PolicyRule) -> Iterator[Atom]:
    """The parts of a rule, up to ATOMS; together they match what the rule does."""
    who = product(_each(rule.users), _each(rule.groups), _each(rule.verbs), _each(rule.namespaces))
    parts = product(who, list(_what(rule)))
    for (users, groups, verbs, namespaces), (resources, urls, path) in islice(parts, ATOMS):
        part = PolicyRule(rule.number, rule.line, rule.level, users, groups, verbs, resources, namespaces, urls)
        yield Atom(part, ("rules", rule.number - 1, *path))


def _each(listed: tuple[str, ...]) -> list[tuple[str, ...]]:
    """One of each; () where the rule lists none."""
    return [(one,) for one in listed] or [()]


def _what(rule: PolicyRule) -> Iterator[tuple[tuple[Resources, ...], tuple[str, ...], Path]]:
    """Each resource or URL that the rule lists, with its path; nothing once where it lists none."""
    for number, entry in enumerate(rule.resources):
        for place, resource in enumerate(entry.resources):
            one = Resources(entry.group, (resource,), entry.names)
            yield (one,), (), ("resources", number, "resources", place)
        if not entry.resources:
            yield (entry,), (), ("resources", number)
    for number, url in enumerate(rule.urls):
        yield (), (url,), ("nonResourceURLs", number)
    if not rule.resources and not rule.urls:
        yield (), (), ()


def covers(early: PolicyRule, atom: PolicyRule) -> bool:
    """Whether `early` matches whatever `atom` matches; False where that cannot be told."""
    if early.users and not (atom.users and atom.users[0] in early.users):
        return False
    if early.groups and not _of_groups(early, atom):
        return False
    if early.verbs and not (atom.verbs and atom.verbs[0] in early.verbs):
        return False
    if early.namespaces and not (atom.namespaces and atom.namespaces[0] in early.namespaces):
        return False
    if early.urls:
        return bool(atom.urls) and any(_url_covers(url, atom.urls[0]) for url in early.urls)
    if early.resources:
        return bool(atom.resources) and any(_entry_covers(entry, atom.resources[0]) for entry in early.resources)
    return not early.namespaces or bool(atom.resources or atom.namespaces)


def _of_groups(early: PolicyRule, atom: PolicyRule) -> bool:
    """Every request with a user is of one of two groups."""
    wanted = set(early.groups)
    if atom.users or atom.groups:
        held = {*atom.groups, *(groups_of(atom.users[0]) if atom.users else ())}
        return bool(held & wanted) or {AUTHENTICATED, UNAUTHENTICATED} <= wanted
    return False  # one that could not be authenticated has no group at all


def _url_covers(early: str, late: str) -> bool:
    return early == "*" or (late != "*" and under(late.rstrip("*") if early.endswith("*") else late, early))


def _entry_covers(early: Resources, late: Resources) -> bool:
    if early.group not in ("*", late.group):
        return False
    if not early.resources:
        return True
    if early.names and not (late.names and set(late.names) <= set(early.names)):
        return False
    wanted = late.resources[0] if late.resources else "*"
    return any(_pattern_covers(pattern, wanted) for pattern in early.resources)


def _pattern_covers(early: str, late: str) -> bool:
    if early in ("*", late):
        return True
    resource, _, sub = late.partition("/")
    if early.startswith("*/"):
        return bool(sub) and sub != "*" and early == f"*/{sub}"
    return early.endswith("/*") and resource != "*" and early == f"{resource}/*"
