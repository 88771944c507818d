"""Secrets written down: an audit log is read by more people, and kept longer, than any secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from irkit.audit.policy.decide import decide
from irkit.audit.policy.lint.dead import Found
from irkit.audit.policy.nouns import Level, Policy, PolicyRule, Request
from irkit.audit.policy.probes import ANYTHING, ANYWHERE, SOMEBODY, Caller, callers, known, names

_WRITES = ("create", "update", "patch")
# A delete that runs into a finalizer answers with the object; one of a collection with the list of them.
_ANSWERED = (*_WRITES, "get", "list", "delete", "deletecollection")


@dataclass(frozen=True, slots=True)
class _Holder:
    """A resource whose bodies are secret: in requests with one set of verbs, in responses with another."""

    group: str
    kind: str
    what: str
    asked: tuple[str, ...]
    answered: tuple[str, ...]


_HOLDERS = (
    _Holder("", "secrets", "the secrets themselves", _WRITES, _ANSWERED),
    _Holder("", "configmaps", "configuration, in which credentials often stand", _WRITES, _ANSWERED),
    _Holder("", "serviceaccounts/token", "tokens that open the cluster", (), ("create",)),
    _Holder("authentication.k8s.io", "tokenreviews", "the tokens under review", ("create",), ("create",)),
)


def bodies(policy: Policy) -> Found:
    """Rules at level Request or RequestResponse that reach a resource of secrets, each named once for each."""
    for rule in policy.rules:
        for holder in _HOLDERS if rule.level.rank >= Level.REQUEST.rank else ():
            if verbs := _written(policy, rule, holder):
                message = f"{rule.level} of {holder.kind} writes down {holder.what} ({', '.join(verbs)})"
                advice = "a rule before it at Metadata"
                yield ("rules", rule.number - 1, "level"), "secrets-in-bodies", f"{message}: put {advice}"


def _written(policy: Policy, rule: PolicyRule, holder: _Holder) -> list[str]:
    verbs = holder.answered if rule.level is Level.RESPONSE else holder.asked
    return [verb for verb in verbs if any(decide(policy, one).rule is rule for one in _requests(rule, holder, verb))]


def _requests(rule: PolicyRule, holder: _Holder, verb: str) -> Iterator[Request]:
    resource, _, sub = holder.kind.partition("/")
    who: list[Caller] = [*callers(rule)] or [known(SOMEBODY)]
    where = rule.namespaces or (ANYWHERE,)
    for (user, groups), namespace, name in product(who, where, names(rule) or {ANYTHING}):
        yield Request(verb, user, groups, resource, sub, holder.group, namespace, name)
