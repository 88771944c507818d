"""What the published schemas do not see: they say draft-07 and use a keyword of 2019-09, so much goes unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_ID = re.compile(r"([a-z][a-z0-9-]+[a-z0-9])--[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_VARIABLE = re.compile(r"(__[a-zA-Z_][a-zA-Z0-9_-]{0,199}?__):value")
_POINTERS = ("on_completion", "on_success", "on_failure", "on_true", "on_false")
Workflow = Mapping[str, Any]


def pointers(told: Mapping[str, Any]) -> list[str]:
    """The identifiers of the steps that may come after one, in the order in which they are written."""
    cases = told.get("cases")
    several = [*_list(told.get("next_steps")), *(_list(list(cases.values())) if isinstance(cases, dict) else [])]
    return [*several, *(told[key] for key in _POINTERS if isinstance(told.get(key), str))]


def fatal(document: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    """Why nothing can be made of it; each a line."""
    if not isinstance(document, dict) or document.get("type") != "playbook":
        yield "not a CACAO playbook: its type is not 'playbook'"
        return
    if document.get("spec_version") != "cacao-2.0":
        yield f"not CACAO 2.0: spec_version is {document.get('spec_version')!r}"
    workflow = document.get("workflow")
    if not isinstance(workflow, dict) or not all(isinstance(told, dict) for told in workflow.values()):
        yield "workflow is no object of steps"
        return
    start = document.get("workflow_start")
    if not isinstance(start, str) or start not in workflow:
        yield f"workflow_start names no step: {start!r}"
    for name, told in workflow.items():
        yield from (f"{name} goes on at {one}, which is no step" for one in pointers(told) if one not in workflow)


def doubtful(document: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a playbook that can be read all the same; each a line."""
    workflow: Workflow = document["workflow"]
    for name, told in workflow.items():
        kind = _ID.fullmatch(name)
        if not kind or kind[1] != told.get("type"):
            yield f"{name}: the identifier does not begin with the step's type, {told.get('type')!r}"
    starts = [name for name, told in workflow.items() if told.get("type") == "start"]
    if starts != [document["workflow_start"]]:
        yield f"{len(starts)} steps of type start, and workflow_start is {document['workflow_start']}"
    reached = _reached(document["workflow_start"], workflow)
    exception = document.get("workflow_exception")
    if isinstance(exception, str):
        reached |= _reached(exception, workflow)
    yield from (f"{name} is never reached" for name in workflow if name not in reached)
    yield from (f"{name} comes back to itself, and not by a while-condition" for name in _looping(workflow))
    yield from _undeclared(document)


def _reached(start: str, workflow: Workflow) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in workflow and name not in seen:
            seen.add(name)
            ahead += pointers(workflow[name])
    return seen


def _looping(workflow: Workflow) -> Iterator[str]:
    for name, told in workflow.items():
        if told.get("type") != "while-condition":
            straight = {one: step for one, step in workflow.items() if step.get("type") != "while-condition"}
            if any(name in _reached(after, straight) for after in pointers(told) if after in straight):
                yield name


def _undeclared(document: Mapping[str, Any]) -> Iterator[str]:
    declared = set(_mapping(document.get("playbook_variables")))
    for told in document["workflow"].values():
        declared |= set(_mapping(told.get("step_variables")))
    used = sorted({name for text in _texts(document["workflow"]) for name in _VARIABLE.findall(text)})
    yield from (f"variable {name} is used and not declared" for name in used if name not in declared)


def _texts(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)


def _mapping(node: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON of any shape
    return node if isinstance(node, dict) else {}


def _list(node: Any) -> list[str]:  # noqa: ANN401 - JSON of any shape
    return [one for one in node if isinstance(one, str)] if isinstance(node, list) else []
