"""What ordinary days never saw: each says what of an event has to be known; asked only where a baseline is given."""

from __future__ import annotations

import re

from irkit.audit.detect.facts import is_account, is_node, of_the_plane
from irkit.audit.detect.rule import Count, Rule
from irkit.audit.read.event import Event
from irkit.model.audit import Severity

_PRODUCT = re.compile(r"[^/ ]*")


def _user(event: Event) -> str:
    """Nodes come and go: they are one."""
    user = event.who.username
    return "system:node:*" if is_node(user) else user


def _agent(event: Event) -> str:
    """The program without its version, which every upgrade changes."""
    found = _PRODUCT.match(event.userAgent)
    return found[0] if found else ""


def _address(event: Event) -> str:
    """Of people and machines outside: pods and nodes have other addresses every day."""
    user = event.who.username
    inside = is_account(user) or is_node(user) or of_the_plane(user)
    return "" if inside else event.address


def _deed(event: Event) -> str:
    return f"{event.verb} {event.ref.kind}" if event.ref.kind else ""


RULES = (
    Rule(
        "new-user",
        34,
        "An identity that the baseline does not know",
        Severity.MEDIUM,
        ("T1078",),
        frozenset(),
        (),
        _user,
        "new colleagues; new workloads with accounts of their own",
        count=Count(1, None, "identity not in the baseline"),
        subject=_user,
    ),
    Rule(
        "new-agent",
        35,
        "A program that the baseline does not know",
        Severity.LOW,
        ("T1078",),
        frozenset(),
        (),
        _agent,
        "new tools; the name is the client's word",
        count=Count(1, None, "user agent not in the baseline"),
        subject=_agent,
    ),
    Rule(
        "new-address",
        36,
        "An address from outside that the baseline does not know",
        Severity.LOW,
        ("T1078",),
        frozenset(),
        (),
        _address,
        "people who travel or whose provider gives them another address every day",
        count=Count(1, None, "source address not in the baseline"),
        subject=_address,
    ),
    Rule(
        "new-deed",
        37,
        "A verb on a resource that nobody used in the baseline",
        Severity.LOW,
        ("T1613",),
        frozenset(),
        (),
        _deed,
        "new kinds of resources; what is done once a month",
        count=Count(1, None, "verb on a resource not in the baseline"),
        subject=_deed,
    ),
)
