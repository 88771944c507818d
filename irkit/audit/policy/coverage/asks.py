"""The requests that matter to a rule: for each thing that a rule or a policy tells apart, one request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Rule
from irkit.audit.policy.coverage.worst import at, attack, places
from irkit.audit.policy.known import CLUSTER_WIDE, groups_with
from irkit.audit.policy.nouns import Level, Policy, PolicyRule, Request
from irkit.audit.policy.probes import ACCOUNT, ANYTHING, NODE, SOMEBODY, Caller, callers, known, names
from irkit.audit.policy.request import ANONYMOUS
from irkit.audit.read.event import Event

_CALLERS = tuple(known(user) for user in (SOMEBODY, ACCOUNT, NODE, ANONYMOUS))
_OF_MANY = frozenset({"list", "watch", "deletecollection"})
# For rules that ask about requests of any kind.
_KINDS = (("", "pods"), ("example.com", "things"))
_PATH = "/metrics"

Kind = tuple[str, str]  # group, resource with subresource


def asks(rule: Rule, policy: Policy | None = None) -> Iterator[tuple[Request, Event]]:
    """Requests that could be the attack of `rule`, as a policy sees them, with the event of the attack, whole.

    With `policy` also those that its rules tell apart: by caller, namespace, name and, where `rule` asks about requests
    of any kind, by resource and path.
    """
    seen: set[Request] = set()
    for restriction in (None, *(policy.rules if policy else ())):
        for request, name in _requests(rule, restriction, policy):
            event = attack(rule, request, name)
            if request not in seen and rule.fires(event):
                seen.add(request)
                yield request, event


def _requests(rule: Rule, by: PolicyRule | None, policy: Policy | None) -> Iterator[tuple[Request, str]]:
    who: tuple[Caller, ...] = (tuple(callers(by)) if by else ()) or _CALLERS
    for verb, (user, groups) in product(sorted(rule.verbs), who):
        if rule.gate:
            yield from ((Request(verb, user, groups, path=path), "") for path in _paths(policy))
        for (group, kind), (namespace, name) in product(_kinds(rule, policy), _places(rule, by)):
            yield _request(verb, user, groups, group, kind, namespace, name)


def _request(
    verb: str, user: str, groups: tuple[str, ...], group: str, kind: str, namespace: str, name: str
) -> tuple[Request, str]:
    """As the API server would show it to a policy; with the object's name, which it may not know yet."""
    resource, _, sub = kind.partition("/")
    unnamed = verb in _OF_MANY or (verb == "create" and not sub)
    shown, where = "" if unnamed else name, "" if resource in CLUSTER_WIDE else namespace
    return Request(verb, user, groups, resource, sub, group, where, shown), "" if verb in _OF_MANY else name


def _kinds(rule: Rule, policy: Policy | None) -> list[Kind]:
    if not rule.gate:
        return [(group, kind) for kind in rule.resources for group in groups_with(kind.partition("/")[0])]
    named = (
        (entry.group.replace("*", ""), _an_instance(pattern))
        for by in (policy.rules if policy else ())
        for entry in by.resources
        for pattern in entry.resources
    )
    return list(dict.fromkeys((*_KINDS, *named)))


def _an_instance(pattern: str) -> str:
    """One resource that a pattern of a policy matches."""
    return "pods" if pattern == "*" else pattern.replace("*/", "things/").removesuffix("/*")


def _paths(policy: Policy | None) -> list[str]:
    """Of a path with a star also one that goes on: "/healthz*" takes in "/healthzzz", which is no health check."""
    urls = [url for by in (policy.rules if policy else ()) for url in by.urls]
    further = (url.rstrip("*") + ANYTHING for url in urls if url.endswith("*"))
    return list(dict.fromkeys((_PATH, *(url.rstrip("*") or "/" for url in urls), *further)))


def _places(rule: Rule, by: PolicyRule | None) -> list[tuple[str, str]]:
    """Namespaces and names to ask about: the rule's, and with each those that a policy rule names."""
    found = list(places(rule))
    if by:
        spaces, called = [space for space in by.namespaces if space], sorted(names(by))
        found += [(space, name) for space in spaces for _, name in places(rule)]
        found += [(space, name) for space in spaces or [space for space, _ in places(rule)] for name in called]
    return list(dict.fromkeys(found))


@cache
def needed(rule_id: str) -> dict[tuple[str, str], Level]:
    """The level that a rule needs, by verb and resource: found by asking it with and without a body."""
    rule = next(rule for rule in RULES if rule.id == rule_id)
    levels: dict[tuple[str, str], Level] = {}
    for request, event in asks(rule):
        enough = Level.METADATA if rule.fires(at(Level.METADATA, event)) else Level.REQUEST
        known_so_far = levels.get((request.verb, request.kind), Level.METADATA)
        levels[request.verb, request.kind] = max(enough, known_so_far, key=lambda level: level.rank)
    return levels
