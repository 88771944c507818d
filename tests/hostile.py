"""Where a pattern that one person wrote meets a text that another did: run as a process, which can be killed.

`python -m tests.hostile PLACE` ends with 0 where each text is judged, and rightly: none of them matches.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from irkit.audit.detect.allow.entries import Entry
from irkit.audit.detect.registry import RULES
from irkit.audit.filter.evaluate import holds
from irkit.audit.filter.grammar import parse
from irkit.audit.read.event import Event
from irkit.contain.engines.cilium import obstacle
from irkit.model.alert import Alert, AlertStatus
from irkit.model.audit import Severity
from irkit.pattern import beginner, finder, whole
from irkit.playbook.language.bind import MAX_TEXT, check
from irkit.playbook.schema import Input

LONG = "a" * 100_000
HOSTILE = {
    "(a+)+$": LONG + "!",
    "(.*a){20}!": LONG,
    "^(([a-z])+.)+[A-Z]([a-z])+$": LONG,
    "(.*)*x(.*)*y": LONG + "x",
}
STARS = "*a*b" * 20


def door() -> None:
    """The mechanism itself."""
    for pattern, text in HOSTILE.items():
        assert not any(reading(pattern)(text) for reading in (finder, whole, beginner))


def filters() -> None:
    """`audit search --where`, and all that takes the language."""
    for pattern, text in HOSTILE.items():
        assert holds(parse(f"agent ~ '{pattern}'"), {"userAgent": text}) is False


def sigma() -> None:
    """Expressions and wildcards."""
    from sigma.rule import SigmaRule

    from irkit.audit.detect.sigma.compile import tree

    asked: list[tuple[Any, str]] = [({"userAgent|re": pattern}, text) for pattern, text in HOSTILE.items()]
    for selection, text in [*asked, ({"userAgent": STARS}, LONG)]:
        source, said = {"product": "kubernetes"}, {"s": selection, "condition": "s"}
        rule = SigmaRule.from_dict({"title": "t", "logsource": source, "detection": said})
        assert holds(tree(rule), {"userAgent": text}) is False


def inputs() -> None:
    """What an alert fills into a playbook."""
    for pattern, text in HOSTILE.items():
        try:
            check("x", Input(type="string", pattern=pattern), text[-MAX_TEXT:])
        except ValueError as error:
            assert "does not match" in str(error)
        else:
            raise AssertionError(pattern)


def cilium() -> None:
    """Patterns of labels in a ConfigMap of the cluster."""
    for pattern in ("(.+)+X", "(.*.*)*X", *HOSTILE):
        assert obstacle({"labels": f"k8s:{pattern}"})


def allowed() -> None:
    """Shell patterns, by which events are excused."""
    event = msgspec.convert({"verb": "get", "user": {"username": LONG}}, Event)
    assert not Entry("why", users=(STARS,)).covers(RULES[0], event)


def triggers() -> None:
    """Shell patterns, by which alerts start a playbook."""
    from irkit.triggers.routing.route import MAX_MATCHED, matches
    from irkit.triggers.routing.schema import When

    name = LONG[:MAX_MATCHED]
    alert = Alert("prom", "k", AlertStatus.FIRING, Severity.HIGH, datetime.now(UTC), name, "", "0" * 64)
    assert not matches(When(names=(STARS,)), alert)


PLACES: dict[str, Callable[[], None]] = {
    place.__name__: place for place in (door, filters, sigma, inputs, cilium, allowed, triggers)
}

if __name__ == "__main__":
    PLACES[sys.argv[1]]()
