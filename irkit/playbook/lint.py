"""What is wrong with a playbook, with line and column; every problem found in one go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from irkit.errors import UsageError
from irkit.playbook.language import bind
from irkit.playbook.language.fit import misfits
from irkit.playbook.language.yaml import BadYaml, Path, Problem, load
from irkit.playbook.registry import STEPS
from irkit.playbook.schema import MAX_STEPS, NAME, Approve, Input, Metadata, Pinned, Playbook, StepSpec

_KNOWN = {step.name: step for step in STEPS}
_Found = Iterator[tuple[Path, str]]


def lint(text: str) -> list[Problem]:
    """Every problem of the playbook in `text`, in the order of lines; empty for a good one."""
    return _read(text)[1]


def parse(text: str, source: str = "") -> Pinned:
    """The playbook in `text`, read from `source`; raises UsageError with the first problem's place."""
    data, problems = _read(text)
    if problems:
        more = f"{len(problems) - 1} more: " if problems[1:] else ""
        raise UsageError(f"{source or 'playbook'}:{problems[0]}", f"{more}irkit playbook lint {source}".strip())
    return Pinned(msgspec.convert(data, Playbook), text, source)


def _read(text: str) -> tuple[Any, list[Problem]]:
    """The data in `text`, and what is wrong with it."""
    try:
        document = load(text)
    except BadYaml as bad:
        return None, [bad.problem]
    if not isinstance(document.data, dict):
        return None, [Problem(1, 1, "not a playbook: a mapping is expected")]
    return document.data, sorted({document.at(path, message) for path, message in _problems(document.data)})


def _problems(data: Mapping[str, Any]) -> _Found:
    shape = list(_shape(data))
    yield from shape
    if not shape:
        yield from _inputs(data.get("inputs", {}))
        yield from _order(data)
        for path, spec in _specs(data):
            yield from (((*path, *rest), message) for rest, message in _step(spec, data))


def _shape(data: Mapping[str, Any]) -> _Found:
    """What the types alone tell: each part by itself, since one conversion of the whole stops at its first problem."""
    yield from misfits(data, Playbook, apart={"metadata": dict, "inputs": dict, "steps": list, "always": list})
    if isinstance(data.get("metadata"), dict):
        yield from _under(("metadata",), misfits(data["metadata"], Metadata))
    if isinstance(data.get("inputs"), dict):
        for name, declared in data["inputs"].items():
            yield from _under(("inputs", name), misfits(declared, Input))
            if not re.fullmatch(NAME, name):
                yield ("inputs", name), f"not a name for an input: lower-case letters, digits and '_': {name!r}"
    for path, spec in _specs(data):
        yield from _under(path, _shape_of_step(spec))
    for part in ("steps", "always"):
        if isinstance(data.get(part), list) and len(data[part]) > MAX_STEPS:
            yield (part,), f"more than {MAX_STEPS} steps"
    if data.get("steps") == []:
        yield ("steps",), "there are no steps"


def _shape_of_step(spec: Any) -> _Found:  # noqa: ANN401 - YAML of any shape
    yield from misfits(spec, StepSpec, apart={"approve": dict})
    if not isinstance(spec, dict):
        return
    kinds = [kind for kind in ("uses", "approve") if kind in spec]
    if not kinds:
        yield (), "missing key 'uses' (or 'approve')"
    if len(kinds) > 1 or ("approve" in spec and "with" in spec):
        yield ("approve",), "a step that asks for approval does nothing else: no 'uses', no 'with'"
    if isinstance(spec.get("approve"), dict):
        yield from _under(("approve",), misfits(spec["approve"], Approve))


def _under(path: Path, found: _Found) -> _Found:
    return (((*path, *rest), message) for rest, message in found)


def _specs(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for part in ("steps", "always"):
        if isinstance(data.get(part), list):
            yield from (((part, index), spec) for index, spec in enumerate(data[part]))


def _inputs(inputs: Mapping[str, Any]) -> _Found:
    for name, written in inputs.items():
        declared = msgspec.convert(written, Input)
        if declared.required == ("default" in written):
            yield ("inputs", name), "an input is either required or has a default"
        try:
            re.compile(declared.pattern or "")
        except re.error as error:
            yield ("inputs", name, "pattern"), f"not a regular expression: {error}"
            continue
        try:
            if "default" in written:
                bind.check(name, declared, declared.default)
        except ValueError as error:
            yield ("inputs", name, "default"), f"the default does not fit: {error}"


def _order(data: Mapping[str, Any]) -> _Found:
    seen: set[str] = set()
    resolved = False
    for path, spec in _specs(data):
        if spec["id"] in seen:
            yield (*path, "id"), f"a second step called {spec['id']}"
        for index, need in enumerate(spec.get("needs", ())):
            if need not in seen:
                yield (*path, "needs", index), f"needs {need}, which is no earlier step"
        step = _KNOWN.get(spec.get("uses", ""))
        if step and step.targeted and not resolved:
            yield (*path, "uses"), f"{step.name} works on a pod: a step pod.resolve@1 has to come before it"
        resolved = resolved or spec.get("uses") == "pod.resolve@1"
        seen.add(spec["id"])


def _step(spec: Mapping[str, Any], data: Mapping[str, Any]) -> _Found:
    if "approve" in spec:
        try:
            bind.composed(spec["approve"]["prompt"], data.get("inputs", {}))
        except ValueError as error:
            yield ("approve", "prompt"), str(error)
        return
    step = _KNOWN.get(spec["uses"])
    if step is None:
        yield ("uses",), f"no such step: {spec['uses']}; the steps: {', '.join(_KNOWN)}"
        return
    written, inputs = spec.get("with", {}), data.get("inputs", {})
    literal = {}
    for key, value in written.items():
        try:
            name = bind.reference(value)
        except ValueError as error:
            yield ("with", key), str(error)
            continue
        if name is None:
            literal[key] = value
        elif name not in inputs:
            yield ("with", key), f"no such input: {name}"
        else:
            yield from _under(("with",), _fits(step.Params, key, inputs[name]["type"], name))
    expressed = set(written) - set(literal)
    yield from _under(("with",), misfits(literal, step.Params, given=expressed))


def _fits(params: type[msgspec.Struct], key: str, kind: str, name: str) -> _Found:
    accepted = accepted_types(params).get(key)
    if accepted is not None and kind not in accepted:
        yield (key,), f"{key} takes {' or '.join(accepted)}, and input {name} is of type {kind}"


_INPUT_TYPES = {
    msgspec.inspect.StrType: ("string",),
    msgspec.inspect.IntType: ("integer",),
    msgspec.inspect.FloatType: ("integer", "number"),
    msgspec.inspect.BoolType: ("boolean",),
    msgspec.inspect.ListType: ("list", "paths"),
    msgspec.inspect.VarTupleType: ("list", "paths"),
}


def accepted_types(params: type[msgspec.Struct]) -> dict[str, list[str]]:
    """Which input types each parameter takes."""
    accepted = {}
    for field in msgspec.structs.fields(params):
        kind = msgspec.inspect.type_info(field.type)
        union = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
        accepted[field.encode_name] = [name for one in union for name in _INPUT_TYPES.get(type(one), ())]
    return accepted
