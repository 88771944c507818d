"""Who, where and what to ask a policy with: for each thing that a rule names, a request that has it."""

from __future__ import annotations

from collections.abc import Iterator

from irkit.audit.policy.nouns import PolicyRule
from irkit.audit.policy.request import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, groups_of

SOMEBODY = "somebody"  # a person whom no rule names
ACCOUNT = "system:serviceaccount:elsewhere:somebody"  # a service account that no rule names
NODE, NODES = "system:node:somebody", "system:nodes"
ANYWHERE = "somewhere"  # a namespace that no rule names
ANYTHING = "something"  # an object that no rule names

Caller = tuple[str, tuple[str, ...]]  # user and groups
_MEMBERS = {UNAUTHENTICATED: ANONYMOUS, NODES: NODE, "system:serviceaccounts": ACCOUNT}
_ACCOUNTS_OF = "system:serviceaccounts:"


def known(user: str) -> Caller:
    """A user with the groups that it certainly has."""
    return user, groups_of(user)


def member(group: str) -> Caller:
    """Somebody of a group."""
    if group.startswith(_ACCOUNTS_OF):
        return known(f"system:serviceaccount:{group.removeprefix(_ACCOUNTS_OF)}:somebody")
    if group in _MEMBERS:
        return known(_MEMBERS[group])
    return f"somebody of {group}", tuple(dict.fromkeys((group, AUTHENTICATED)))


def callers(rule: PolicyRule) -> Iterator[Caller]:
    """Each caller that a rule names; nobody where it is for all."""
    if rule.users and rule.groups:
        yield from ((user, (*groups_of(user), group)) for user in rule.users for group in rule.groups)
    else:
        yield from (known(user) for user in rule.users)
        yield from (member(group) for group in rule.groups)


def names(rule: PolicyRule) -> set[str]:
    """Each object that a rule names."""
    return {name for entry in rule.resources for name in entry.names}
