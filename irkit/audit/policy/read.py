"""From the text of a policy to its nouns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irkit.audit.policy.document import Document, Problem, Unreadable, load
from irkit.audit.policy.nouns import Level, Policy, PolicyRule, Resources, Stage
from irkit.audit.policy.shape import problems
from irkit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Reading:
    """A policy with the places of its parts, and what is wrong with its form."""

    policy: Policy | None  # None: the API server would not start with it
    document: Document
    problems: tuple[Problem, ...]


def read(text: str) -> Reading:
    """The policy in `text`, YAML or JSON."""
    try:
        document = load(text)
    except Unreadable as error:
        return Reading(None, Document(None, {}), (error.problem,))
    found = tuple(problems(document))
    usable = not any(problem.fatal for problem in found)
    return Reading(_policy(document) if usable else None, document, found)


def parse(text: str, name: str = "policy") -> Policy:
    """The policy in `text`; raises UsageError with the first place at which it is none."""
    reading = read(text)
    if reading.policy is None:
        first = next((problem for problem in reading.problems if problem.fatal), reading.problems[0])
        where = f"{name}:{first.line}:{first.column}"
        raise UsageError(f"{where}: {first.message}", f"irkit audit policy lint {name}")
    return reading.policy


def text_of(path: Path) -> str:
    """What stands in the file; raises UsageError where it cannot be read."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "the API server's --audit-policy-file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8") from error


def _policy(document: Document) -> Policy:
    data, lines = document.data, document.places
    omitted, managed = _stages(data), bool(data.get("omitManagedFields"))
    rules = tuple(
        _rule(rule, number, lines["rules", number][0], omitted, managed) for number, rule in enumerate(data["rules"])
    )
    return Policy(rules, omitted, managed)


def _rule(data: dict[str, Any], number: int, line: int, omitted: frozenset[Stage], managed: bool) -> PolicyRule:
    own = data.get("omitManagedFields")
    return PolicyRule(
        number + 1,
        line,
        Level(data["level"]),
        users=_texts(data, "users"),
        groups=_texts(data, "userGroups"),
        verbs=_texts(data, "verbs"),
        resources=tuple(_resources(entry) for entry in data.get("resources") or ()),
        namespaces=_texts(data, "namespaces"),
        urls=_texts(data, "nonResourceURLs"),
        omit_stages=omitted | _stages(data),
        omit_managed_fields=managed if own is None else own,
    )


def _resources(data: dict[str, Any] | None) -> Resources:
    data = data or {}
    return Resources(data.get("group") or "", _texts(data, "resources"), _texts(data, "resourceNames"))


def _stages(data: dict[str, Any]) -> frozenset[Stage]:
    return frozenset(Stage(stage) for stage in _texts(data, "omitStages"))


def _texts(data: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(item or "" for item in data.get(key) or ())
