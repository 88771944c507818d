"""What would happen, in full, for one delivery: nothing is kept and nothing is started."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from irkit.errors import UsageError
from irkit.model.alert import Alert, BadAlert
from irkit.playbook.registry import step
from irkit.playbook.schema import Pinned
from irkit.triggers.formats import registry
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.routing.lint import Loaded
from irkit.triggers.routing.route import Decision, decide, matches


@dataclass(frozen=True, slots=True)
class Step:
    """A step that would run, and what it does to the world at most."""

    id: str
    uses: str
    effect: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One alert, what is decided, and which other rules match it too late."""

    decision: Decision
    steps: tuple[Step, ...]
    shadowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A whole delivery. `refused`: why it would be quarantined; "" when it would not."""

    source: str
    format: str
    alerts: tuple[Explained, ...] = ()
    refused: str = ""


def explain(loaded: Loaded, delivery: Delivery) -> Explanation:
    """What `irkit serve` would do with an authentic `delivery`; raises UsageError for an unknown source."""
    source = loaded.triggers.sources.get(delivery.source)
    if source is None:
        known = ", ".join(loaded.triggers.sources) or "none"
        raise UsageError(f"no such source: {delivery.source}", f"the sources: {known}")
    kind = registry.format_named(source.format)
    try:
        alerts = registry.parse(kind, delivery)
    except BadAlert as bad:
        return Explanation(delivery.source, kind.name, refused=bad.message)
    return Explanation(delivery.source, kind.name, tuple(_explained(loaded, alert) for alert in alerts))


def _explained(loaded: Loaded, alert: Alert) -> Explained:
    decision = decide(loaded, alert)
    matching = [rule.name for rule in loaded.triggers.rules if matches(rule.when, alert)]
    pinned = loaded.playbooks.get(decision.playbook)
    steps = tuple(_steps(pinned)) if pinned and not decision.problem else ()
    return Explained(decision, steps, tuple(matching[1:]))


def _steps(pinned: Pinned) -> Iterator[Step]:
    for spec in pinned.playbook.every_step:
        yield Step(spec.id, spec.does, str(step(spec.does).effect))
