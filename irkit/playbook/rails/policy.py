"""The shape of a rails file. What is left out has the careful default; what is not allowed is denied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from irkit.model.audit import Severity
from irkit.times import parse_or_age

# Deeds older than this are forgotten, so no window may be longer.
LONGEST = timedelta(days=30)

Span = Annotated[str, Meta(pattern=r"^\d{1,5}[smhd]$", description="45s, 10m, 12h or 7d; 30d at most")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]


class Mode(StrEnum):
    """What becomes of a step that the rails allow."""

    OBSERVE = "observe"  # it is not done, only said
    DRY_RUN = "dry-run"  # the API server checks it and changes nothing
    ENFORCE = "enforce"  # it is done


class Allow(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be done; every condition has to hold. `namespaces` may hold `*` and `?`."""

    actions: Annotated[tuple[Text, ...], Meta(min_length=1)]
    namespaces: Annotated[tuple[Text, ...], Meta(min_length=1)]
    labels: dict[str, str] = {}
    triggers: tuple[Text, ...] = ()  # none: any
    min_severity: Severity = Severity.INFO


class Deny(Struct, frozen=True, forbid_unknown_fields=True):
    """What may not be done, whatever is allowed; a condition left out always holds, and one is needed."""

    reason: Text
    actions: tuple[Text, ...] = ()
    namespaces: tuple[Text, ...] = ()
    labels: dict[str, str] = {}
    triggers: tuple[Text, ...] = ()


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many changes in any window of that length: of one cluster, one namespace or one action."""

    most: Annotated[int, Meta(ge=0, le=100_000)]
    per: Span
    scope: Literal["cluster", "namespace", "action"] = "cluster"


class Workload(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one workload's pods at most so many, or so much of its replicas where that is more, within a window."""

    pods: Annotated[int, Meta(ge=0)] = 1
    percent: Annotated[int, Meta(ge=0, le=100)] = 25
    within: Span = "24h"


class Breaker(Struct, frozen=True, forbid_unknown_fields=True):
    """After so many changes that did not end well within a window: none until `pause` after the last of them."""

    failures: Annotated[int, Meta(ge=1)] = 3
    within: Span = "10m"
    pause: Span = "30m"


class Protect(Struct, frozen=True, forbid_unknown_fields=True):
    """Beyond what no policy can open: more namespaces, and whether pods on control plane nodes are off limits."""

    namespaces: tuple[Text, ...] = ()
    control_plane_nodes: bool = True


class Policy(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole rails file."""

    apiVersion: Literal["irkit/v1"] = "irkit/v1"
    kind: Literal["Rails"] = "Rails"
    mode: Mode = Mode.DRY_RUN
    allow: tuple[Allow, ...] = ()
    deny: tuple[Deny, ...] = ()
    budgets: tuple[Budget, ...] = (Budget(10, "10m"), Budget(3, "10m", "namespace"))
    workload: Workload = Workload()
    cooldown: Span = "1h"
    breaker: Breaker = Breaker()
    protect: Protect = Protect()


def span(text: Span) -> timedelta:
    """The length of time that `text` names."""
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return start - parse_or_age(text, start)


def schema() -> dict[str, object]:
    """JSON Schema (2020-12) of rails files, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Policy)}
