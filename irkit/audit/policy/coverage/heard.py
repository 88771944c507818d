"""What a log lets each detection see, said of what was counted in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Rule
from irkit.audit.policy.coverage.census import Counted, Kind
from irkit.audit.policy.coverage.judge import Sight, Why, needs
from irkit.audit.policy.nouns import Level
from irkit.model.audit import Severity


@dataclass(frozen=True, slots=True)
class Heard:
    """One detection over a log. Requests that could have been no attack with any body are not counted."""

    rule: str
    number: int
    title: str
    severity: Severity
    sight: Sight
    needs: Level
    judged: int  # events with all that the detection judges by
    missed: int  # events without it
    why: Why | None  # None: nothing is known to be missed
    verbs: tuple[str, ...]  # of what was missed, as are the targets
    targets: tuple[str, ...]


def hear(counted: Counted) -> list[Heard]:
    """Every detection over what was counted, in the order of the specification."""
    return [_heard(rule, counted) for rule in RULES]


def _heard(rule: Rule, counted: Counted) -> Heard:
    judged, unlit, begun = (_of(rule, found) for found in (counted.lit, counted.unlit, counted.begun))
    missed, why = unlit, Why.NO_BODY if unlit else None
    if not judged and not unlit and begun:
        missed, why = begun, Why.NO_STAGE
    verbs, targets = ({kind[part] for kind in missed if kind[part]} for part in (1, 2))
    return Heard(
        rule.id,
        rule.number,
        rule.title,
        rule.severity,
        _sight(bool(judged), bool(missed)),
        needs(rule),
        sum(judged.values()),
        sum(missed.values()),
        why,
        tuple(sorted(verbs)),
        tuple(sorted(targets)),
    )


def _of(rule: Rule, counts: Mapping[Kind, int]) -> dict[Kind, int]:
    return {kind: number for kind, number in counts.items() if kind[0] == rule.id}


def _sight(judged: bool, missed: bool) -> Sight:
    if not judged and not missed:
        return Sight.UNSEEN
    if judged and missed:
        return Sight.HALF
    return Sight.SEES if judged else Sight.BLIND
