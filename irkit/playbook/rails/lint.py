"""What is wrong with a rails file, with line and column; every problem found in one go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from irkit.playbook.language.checked import checked, refuse
from irkit.playbook.language.fit import Found, misfits
from irkit.playbook.language.yaml import Path, Problem
from irkit.playbook.rails.policy import LONGEST, Allow, Breaker, Budget, Deny, Policy, Protect, Workload, span
from irkit.playbook.registry import STEPS

_PARTS: dict[str, type[Struct]] = {"workload": Workload, "breaker": Breaker, "protect": Protect}
_LISTS: dict[str, type[Struct]] = {"allow": Allow, "deny": Deny, "budgets": Budget}
_APART = {**dict.fromkeys(_PARTS, dict), **dict.fromkeys(_LISTS, list)}
_SPANS = {"per", "within", "pause", "cooldown"}
ACTIONS = {step.name for step in STEPS if step.effect.changes_cluster}  # all that rails are asked about
_CONDITIONS = ("actions", "namespaces", "labels", "triggers")


@dataclass(frozen=True, slots=True)
class Rules:
    """A policy bound to the text it was read from."""

    policy: Policy
    sha256: str
    source: str = ""  # file path; "" for the defaults, which allow nothing


def default() -> Rules:
    """Where there is no file: a dry run of nothing, since nothing is allowed."""
    return Rules(Policy(), hashlib.sha256(b"").hexdigest())


def lint(text: str) -> list[Problem]:
    """Every problem of the rails in `text`, in the order of lines; empty for a good file."""
    return checked(text, _problems)[1]


def parse(text: str, source: str = "") -> Rules:
    """The rails in `text`, read from `source`; raises UsageError with the first problem's place."""
    data, problems = checked(text, _problems)
    refuse(problems, source or "rails", f"irkit rails lint {source}")
    return Rules(msgspec.convert(data, Policy), hashlib.sha256(text.encode()).hexdigest(), source)


def _problems(data: Any) -> Iterator[Found]:  # noqa: ANN401 - YAML of any shape
    if not isinstance(data, dict):
        yield (), "not a rails file: a mapping is expected"
        return
    yield from misfits(data, Policy, apart=_APART)
    for key in ("apiVersion", "kind"):
        if key not in data:
            yield (), f"missing key {key!r}"
    shape = list(_parts(data))
    yield from shape
    if not shape:
        yield from _meaning(data)
    yield from _spans(data, ())


def _parts(data: Mapping[str, Any]) -> Iterator[Found]:
    """What is wrong with each part by itself."""
    for key, kind in _PARTS.items():
        if isinstance(data.get(key), dict):
            yield from _under((key,), misfits(data[key], kind))
    for key, kind in _LISTS.items():
        for index, entry in enumerate(_list(data, key)):
            yield from _under((key, index), misfits(entry, kind))


def _meaning(data: Mapping[str, Any]) -> Iterator[Found]:
    """What fits its type and still says nothing."""
    for key in ("allow", "deny"):
        for index, entry in enumerate(_list(data, key)):
            for number, action in enumerate(entry.get("actions", ())):
                if action not in ACTIONS:
                    yield (key, index, "actions", number), f"no such action: {action}; {', '.join(sorted(ACTIONS))}"
    for index, entry in enumerate(_list(data, "deny")):
        if not any(entry.get(condition) for condition in _CONDITIONS):
            yield ("deny", index), f"denies everything: give one of {', '.join(_CONDITIONS)}, or irkit freeze"


def _spans(node: object, path: Path) -> Iterator[Found]:
    """Windows longer than deeds are remembered."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in _SPANS and isinstance(value, str) and _too_long(value):
            yield (*path, key), f"{key}: {LONGEST.days}d at most"
        yield from _spans(value, (*path, key))


def _too_long(text: str) -> bool:
    try:
        return span(text) > LONGEST
    except (ValueError, OverflowError):
        return False  # not a span at all: said elsewhere


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    found = data.get(key)
    return found if isinstance(found, list) else []


def _under(path: Path, found: Iterator[Found]) -> Iterator[Found]:
    return (((*path, *rest), message) for rest, message in found)
