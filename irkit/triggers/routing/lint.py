"""What is wrong with a triggers file, with line and column; every problem found in one go."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import msgspec
from msgspec import Struct

from irkit.errors import UsageError
from irkit.playbook import find
from irkit.playbook.language import bind
from irkit.playbook.language.checked import checked, refuse
from irkit.playbook.language.fit import Found, misfits
from irkit.playbook.language.yaml import Path, Problem
from irkit.playbook.schema import Input, Pinned
from irkit.triggers.formats.registry import FORMATS
from irkit.triggers.routing.schema import EXPRESSION, SOURCE_NAME, Auth, Rule, Source, Triggers, When

_EXPRESSION = re.compile(EXPRESSION)
_FORMATS = tuple(known.name for known in FORMATS)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A triggers file and the playbooks it names, all bound to the text they were read from."""

    triggers: Triggers
    playbooks: Mapping[str, Pinned]
    sha256: str
    source: str = ""


def lint(text: str) -> list[Problem]:
    """Every problem of the triggers in `text`, in the order of lines; empty for a good file."""
    return checked(text, partial(_problems, playbooks={}))[1]


def parse(text: str, source: str = "") -> Loaded:
    """The triggers in `text`, read from `source`; raises UsageError with the first problem's place."""
    playbooks: dict[str, Pinned] = {}
    data, problems = checked(text, partial(_problems, playbooks=playbooks))
    refuse(problems, source or "triggers", f"irkit serve --check --triggers {source}")
    return Loaded(msgspec.convert(data, Triggers), playbooks, hashlib.sha256(text.encode()).hexdigest(), source)


def parse_file(path: FilePath) -> Loaded:
    """The triggers in the file at `path`; raises UsageError."""
    return parse(find.read(path), str(path))


def reference(value: object) -> str | None:
    """The path into the alert that `value` stands for; None for a literal. Raises ValueError for anything between."""
    if not isinstance(value, str) or "${{" not in value:
        return None
    if found := _EXPRESSION.fullmatch(value):
        return found[1]
    raise ValueError(
        f"not an expression: {value!r}; it is '${{{{ alert.PATH }}}}' and nothing around it, with PATH one of status, "
        "severity, name, summary, pod.namespace, pod.name, labels.NAME"
    )


def _problems(data: Any, playbooks: dict[str, Pinned]) -> Iterator[Found]:  # noqa: ANN401 - YAML of any shape
    """The playbooks that it names go into `playbooks`."""
    if not isinstance(data, dict):
        yield (), "not a triggers file: a mapping is expected"
        return
    found = list(_shape(data))
    yield from found or _sense(data, playbooks)


def _shape(data: Mapping[str, Any]) -> Iterator[Found]:
    """What the types alone tell: each part by itself, so that one pass finds every problem."""
    yield from misfits(data, Triggers, apart={"sources": dict, "rules": list})
    sources, rules = data.get("sources"), data.get("rules")
    for name, source in sources.items() if isinstance(sources, dict) else ():
        yield from _part(("sources", name), source, Source, auth=Auth)
        if not re.fullmatch(SOURCE_NAME, name):
            yield ("sources", name), f"not a name for a source: lower-case letters, digits and '-': {name!r}"
    for index, rule in enumerate(rules) if isinstance(rules, list) else ():
        yield from _part(("rules", index), rule, Rule, when=When)


def _part(path: Path, data: object, kind: type[Struct], **within: type[Struct]) -> Iterator[Found]:
    yield from _under(path, misfits(data, kind, apart=dict.fromkeys(within, dict)))
    for key, inner in within.items():
        if isinstance(data, dict) and isinstance(data.get(key), dict):
            yield from _under((*path, key), misfits(data[key], inner))


def _under(path: Path, found: Iterator[Found]) -> Iterator[Found]:
    return (((*path, *rest), message) for rest, message in found)


def _sense(data: Mapping[str, Any], playbooks: dict[str, Pinned]) -> Iterator[Found]:
    triggers = msgspec.convert(data, Triggers)
    for name, source in triggers.sources.items():
        yield from _under(("sources", name), _source(source))
    seen: set[str] = set()
    for index, rule in enumerate(triggers.rules):
        if rule.name in seen:
            yield ("rules", index, "name"), f"a second rule called {rule.name}"
        seen.add(rule.name)
        for at, name in enumerate(rule.when.sources):
            if name not in triggers.sources:
                yield ("rules", index, "when", "sources", at), f"no such source: {name}"
        yield from _under(("rules", index), _rule(rule, playbooks))


def _source(source: Source) -> Iterator[Found]:
    if source.format not in _FORMATS:
        yield ("format",), f"no such format: {source.format}; the formats: {', '.join(_FORMATS)}"
    given = [way for way in Auth.__struct_fields__ if getattr(source.auth, way) is not None]
    if len(given) != 1:
        yield ("auth",), f"exactly one of {', '.join(Auth.__struct_fields__)} is expected"
    if (source.format == "sns") != ("sns" in given):
        yield ("auth",), "the format sns goes with the authentication sns, and neither with another"
    if source.format == "standard-webhooks" and "standard" not in given:
        yield ("auth",), "standard-webhooks need their own signatures: the id that tells replays is a header they sign"


def _rule(rule: Rule, playbooks: dict[str, Pinned]) -> Iterator[Found]:
    try:
        pinned = playbooks.setdefault(rule.run, find.load(rule.run))
    except UsageError as error:
        yield ("run",), error.message
        return
    inputs = pinned.playbook.inputs
    for key, value in rule.inputs.items():
        if key not in inputs:
            yield ("with", key), f"playbook {rule.run} has no input {key!r}; its inputs: {', '.join(inputs) or 'none'}"
        else:
            yield from ((("with", key), problem) for problem in _input(key, value, inputs[key]))
    for key, declared in inputs.items():
        if declared.required and key not in rule.inputs:
            yield ("run",), f"playbook {rule.run} needs the input {key}: it is not in 'with'"


def _input(key: str, value: object, declared: Input) -> Iterator[str]:
    try:
        if reference(value) is None:
            bind.check(key, declared, value)
        elif declared.type == "paths":
            yield "paths are never taken from an alert: whoever sent it would choose what is read"
        elif declared.type in ("string", "list") and declared.pattern is None:
            yield f"input {key} has no pattern, and what an alert says may go nowhere unchecked: give it one"
    except ValueError as error:
        yield str(error)
