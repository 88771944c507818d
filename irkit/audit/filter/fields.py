"""The fields that an audit event has, and those of a filter that it has not: a typo finds nothing, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from irkit.audit.filter.grammar import SHORT, Filter, Not, Test, parse

# k8s.io/apiserver audit/v1 types.go
FIELDS = frozenset(
    """kind apiVersion level auditID stage requestURI verb user impersonatedUser authenticationMetadata sourceIPs
    userAgent objectRef responseStatus requestObject responseObject requestReceivedTimestamp stageTimestamp
    annotations""".split()
)
_OLD_OR_OURS = frozenset({"metadata", "timestamp", "original"})  # of v1alpha1 and v1beta1; what a cloud's entry was


def doubts(where: str) -> list[str]:
    """A line about each field that the API server writes in no event; whoever ships a log may have added it."""
    strange = dict.fromkeys(name for name in _roots(parse(where)) if name not in FIELDS | _OLD_OR_OURS)
    return [f"no API server writes a field {name}{_meant(name)}" for name in strange]


def _roots(tree: Filter) -> Iterator[str]:
    match tree:
        case Test():
            yield tree.path[0]
        case Not():
            yield from _roots(tree.inner)
        case _:
            for part in tree.parts:
                yield from _roots(part)


def _meant(name: str) -> str:
    close = get_close_matches(name, (*SHORT, *FIELDS), 1, 0.65) or get_close_matches(name.lower(), SHORT, 1)
    return f"; {close[0]} is meant?" if close else ""
