"""Label selectors (metav1.LabelSelector): every requirement has to hold; no requirement selects everything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Labels = Mapping[str, str]

# What an operator asks of the value under the key; None: the key is absent. `NotIn` and `DoesNotExist` hold then.
_HOLDS: dict[str, Callable[[str | None, frozenset[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, values: value is not None,
    "DoesNotExist": lambda value, values: value is None,
}
_WORDS = {"In": "{0} in ({1})", "NotIn": "{0} not in ({1})", "Exists": "{0} exists", "DoesNotExist": "no {0}"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one key; `operator` is one of In, NotIn, Exists, DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Labels) -> bool:
        """True when `labels` fulfil it."""
        return _HOLDS[self.operator](labels.get(self.key), self.values)

    def __str__(self) -> str:
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={next(iter(self.values))}"
        return _WORDS[self.operator].format(self.key, ", ".join(sorted(self.values)))


@dataclass(frozen=True, slots=True)
class Selector:
    """All of its requirements; the empty one selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """True when `labels` fulfil every requirement."""
        return all(requirement.holds(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ", ".join(map(str, self.requirements)) or "everything"


def selector(data: Any) -> Selector:  # noqa: ANN401 - JSON of any shape
    """The selector that a manifest holds; raises ValueError for what no API server accepts."""
    if not isinstance(data, dict) or not data.keys() <= {"matchLabels", "matchExpressions"}:
        raise ValueError(f"not a label selector: {data!r:.80}")
    given = {key: value for key, value in data.items() if value is not None}
    labels, expressions = given.get("matchLabels", {}), given.get("matchExpressions", [])
    if not isinstance(labels, dict) or not isinstance(expressions, list):
        raise ValueError(f"not a label selector: {data!r:.80}")
    exact = tuple(_requirement({"key": key, "operator": "In", "values": [value]}) for key, value in labels.items())
    return Selector(exact + tuple(map(_requirement, expressions)))


_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}\Z")
_VALUE = re.compile(rf"({_NAME})?\Z")


def bearable(key: str, value: str) -> bool:
    """True for a label that an object may bear; a selector, above all of a custom resource, may name others too."""
    return _KEY.match(key) is not None and _VALUE.match(value) is not None


def _requirement(data: Any) -> Requirement:  # noqa: ANN401
    if not isinstance(data, dict):
        raise ValueError(f"not a requirement: {data!r:.80}")
    key, operator, values = data.get("key"), data.get("operator"), data.get("values") or []
    if not isinstance(key, str) or not isinstance(operator, str) or operator not in _HOLDS:
        raise ValueError(f"not a requirement: {data!r:.80}")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"the values of {key} are not texts: {values!r:.80}")
    if bool(values) != (operator in ("In", "NotIn")):
        raise ValueError(f"{operator} of {key} with {len(values)} values")
    return Requirement(key, operator, frozenset(values))
