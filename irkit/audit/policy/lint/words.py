"""Words in rules that match nothing: patterns where none are read, verbs that no request has, a wrong group."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from irkit.audit.policy.document import Path
from irkit.audit.policy.known import RESOURCES, groups_with
from irkit.audit.policy.lint.dead import Found
from irkit.audit.policy.nouns import OBJECT_VERBS, PATH_VERBS, Policy, PolicyRule, Resources

_PATTERN = re.compile(r"\*|\*/[^*/]+|[^*/]+(/\*|/[^*/]+)?")
# Before a create, and a deletion of many, the API server knows no name (k8s.io/apiserver endpoints/request).
_NAMELESS = frozenset({"create", "deletecollection"})


def words(policy: Policy) -> Found:
    """Every word of every rule that cannot match."""
    for rule in policy.rules:
        path: Path = ("rules", rule.number - 1)
        yield from _stars(rule, path)
        yield from _verbs(rule, path)
        for number, entry in enumerate(rule.resources):
            yield from _entry(entry, (*path, "resources", number))
            yield from _named(rule, entry, (*path, "resources", number))


def _stars(rule: PolicyRule, path: Path) -> Found:
    plain = (
        ("users", rule.users),
        ("userGroups", rule.groups),
        ("verbs", rule.verbs),
        ("namespaces", rule.namespaces),
    )
    for key, listed in plain:
        yield from _star(listed, (*path, key))
    for number, entry in enumerate(rule.resources):
        yield from _star(entry.names, (*path, "resources", number, "resourceNames"))


def _star(listed: Iterable[str], path: Path) -> Found:
    for number, word in enumerate(listed):
        if "*" in word:
            message = f"matches nothing: {path[-1]} are compared as they stand; leave the key out to match all"
            yield (*path, number), "no-pattern", message


def _verbs(rule: PolicyRule, path: Path) -> Found:
    known: tuple[str, ...] = PATH_VERBS if rule.urls else OBJECT_VERBS
    if not (rule.urls or rule.resources or rule.namespaces):
        known = (*OBJECT_VERBS, *PATH_VERBS)
    for number, verb in enumerate(rule.verbs):
        if verb not in known and "*" not in verb:
            kind = "plain paths have the HTTP methods in small letters" if rule.urls else "one of " + ", ".join(known)
            yield (*path, "verbs", number), "verb", f"no such request has the verb {verb}: {kind}"


def _entry(entry: Resources, path: Path) -> Found:
    for number, pattern in enumerate(entry.resources):
        here: Path = (*path, "resources", number)
        resource = pattern.partition("/")[0]
        if not _PATTERN.fullmatch(pattern):
            yield here, "no-pattern", f"{pattern} matches nothing: write pods, pods/log, pods/*, */scale or *"
        elif resource != "*":
            yield from _group(entry.group, resource, here)


def _group(group: str, resource: str, path: Path) -> Found:
    """Only groups of Kubernetes itself can be judged: others may hold any resource."""
    if group not in RESOURCES or resource in RESOURCES[group]:
        return
    shown = group or '""'
    if others := groups_with(resource):
        proper = " or ".join(f'"{other}"' for other in others)
        yield path, "wrong-group", f"group {shown} has no {resource}: they are in {proper}"
        return
    close = get_close_matches(resource.lower(), RESOURCES[group], 1)
    meant = f"; {close[0]} is meant?" if close else ""
    yield path, "wrong-group", f"group {shown} has no {resource}{meant}"


def _named(rule: PolicyRule, entry: Resources, path: Path) -> Found:
    whole = any("/" not in pattern for pattern in entry.resources)
    if entry.names and whole and rule.verbs and set(rule.verbs) <= _NAMELESS:
        message = "matches nothing: the name of what is created, or of many deleted, is not known yet"
        yield (*path, "resourceNames"), "no-name-yet", message
