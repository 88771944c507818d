"""What an alert starts: the first rule that matches, its playbook, and inputs that the playbook accepts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from irkit.errors import UsageError
from irkit.model.alert import Alert
from irkit.model.audit import Severity
from irkit.playbook.language import bind
from irkit.playbook.schema import Playbook
from irkit.triggers.formats.reading import fields
from irkit.triggers.routing.lint import Loaded, reference
from irkit.triggers.routing.schema import Rule, When

_ORDER = tuple(Severity)  # mildest first
MAX_MATCHED = 4096  # no pattern is tried on more than this of a text that somebody sent


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about one alert. `problem`: why the playbook cannot be started though a rule matches."""

    alert: Alert
    rule: str = ""  # "": no rule matches, and nothing is done
    playbook: str = ""
    playbook_sha256: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def group(self) -> str:
        """What is done once for many: the same playbook on the same pod. "" where there is no pod to share."""
        pod = self.alert.pod
        return fields.key(self.playbook, str(pod)) if pod and self.playbook else ""


def decide(loaded: Loaded, alert: Alert) -> Decision:
    """The first matching rule's decision; the same for the same alert, whatever came before."""
    rule = next((rule for rule in loaded.triggers.rules if matches(rule.when, alert)), None)
    if rule is None:
        return Decision(alert)
    pinned = loaded.playbooks[rule.run]
    try:
        inputs, problem = _inputs(rule, pinned.playbook, alert), ""
    except UsageError as error:
        inputs, problem = {}, error.message
    return Decision(alert, rule.name, rule.run, pinned.sha256, inputs, problem)


def matches(when: When, alert: Alert) -> bool:
    """Whether every condition holds; a label that is not there matches no pattern."""
    return (
        alert.status is when.status
        and _ORDER.index(alert.severity) >= _ORDER.index(when.min_severity)
        and (not when.sources or alert.source in when.sources)
        and _any(when.names, alert.name)
        and _any(when.namespaces, alert.pod.namespace if alert.pod else None)
        and all(_any(patterns, alert.labels.get(name)) for name, patterns in when.labels.items())
    )


def _any(patterns: Sequence[str], text: str | None) -> bool:
    if not patterns:
        return True
    return text is not None and len(text) <= MAX_MATCHED and any(fnmatchcase(text, pattern) for pattern in patterns)


def _inputs(rule: Rule, playbook: Playbook, alert: Alert) -> dict[str, Any]:
    """Typed and checked; raises UsageError."""
    literals: dict[str, Any] = {}
    texts: list[tuple[str, str]] = []
    for key, value in rule.inputs.items():
        path = reference(value)
        if path is None:
            literals[key] = value
        elif (text := at(alert, path)) is not None:
            texts.append((key, text))
        elif playbook.inputs[key].required:
            raise UsageError(f"the alert has no {path}, which the input {key} needs")
    return bind.inputs(playbook, literals | bind.from_text(playbook, texts))


def at(alert: Alert, path: str) -> str | None:
    """What stands in the alert at a path of the language; None where nothing does."""
    head, _, rest = path.partition(".")
    match head:
        case "labels":
            return alert.labels.get(rest)
        case "pod":
            return (alert.pod.namespace if rest == "namespace" else alert.pod.name) if alert.pod else None
    text: str = getattr(alert, head)
    return text or None
