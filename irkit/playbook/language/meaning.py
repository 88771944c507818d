"""What fits its type and still means nothing: names of nothing, steps out of order, values of the wrong kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

import msgspec

from irkit.pattern import BadPattern, whole
from irkit.playbook.language import bind, judge, names
from irkit.playbook.language.fit import misfits
from irkit.playbook.language.shape import Found, leaves, under
from irkit.playbook.language.yaml import Path
from irkit.playbook.registry import STEPS
from irkit.playbook.schema import Input

_KNOWN = {step.name: step for step in STEPS}
_RESOLVE = "pod.resolve@1"
_RESOLVING = (_RESOLVE, "pods.resolve@1")


@dataclass(frozen=True, slots=True)
class _Place:
    """A step where it stands: `before` are the steps that have ended when it begins."""

    path: Path
    spec: Mapping[str, Any]
    before: Set[str]
    resolved: bool
    after: Set[str]  # those at the top that a failure may go on at


def meaning(data: Mapping[str, Any]) -> Found:
    """Every problem of a playbook whose shape is right."""
    inputs = data.get("inputs", {})
    for name, declared in inputs.items():
        yield from under(("inputs", name), _input(name, declared))
    yield from _twice(data)
    for place in _places(data):
        found = (*_order(place), *_deed(place.spec, inputs), *_asked(place, inputs))
        yield from under(place.path, iter(found))
    if "concurrency" in data:
        yield from under(("concurrency", "key"), _composed(data["concurrency"]["key"], inputs))


def _input(name: str, written: Mapping[str, Any]) -> Found:
    declared = msgspec.convert(written, Input)
    if declared.required == ("default" in written):
        yield (), "an input is either required or has a default"
    try:
        whole(declared.pattern or "")
    except BadPattern as error:
        yield ("pattern",), f"not a regular expression: {error}" + (f"; {error.remedy}" if error.remedy else "")
        return
    try:
        if "default" in written:
            bind.check(name, declared, declared.default)
    except ValueError as error:
        yield ("default",), f"the default does not fit: {error}"


def _twice(data: Mapping[str, Any]) -> Found:
    seen: set[str] = set()
    for part in ("steps", "always"):
        for path, spec in leaves(data, part):
            if spec["id"] in seen:
                yield (*path, "id"), f"a second step called {spec['id']}"
            seen.add(spec["id"])


def _places(data: Mapping[str, Any]) -> Iterator[_Place]:
    before: set[str] = set()
    resolved = False
    top = {spec["id"] for path, spec in leaves(data, "steps") if len(path) == 2}
    for part in ("steps", "always"):
        blocks: dict[object, list[tuple[Path, Any]]] = {}
        for path, spec in leaves(data, part):
            blocks.setdefault(path[1], []).append((path, spec))
        for block in blocks.values():
            ids = {spec["id"] for _, spec in block}
            for path, spec in block:
                yield _Place(
                    path, spec, frozenset(before), resolved, (top - before - ids) if part == "steps" else set()
                )
            before |= ids
            resolved = resolved or any(spec.get("uses") in _RESOLVING for _, spec in block)


def _order(place: _Place) -> Found:
    for index, need in enumerate(place.spec.get("needs", ())):
        if need not in place.before:
            yield ("needs", index), f"needs {need}, which is no earlier step"
    step = _KNOWN.get(place.spec.get("uses", ""))
    if step and step.targeted and not place.resolved:
        yield ("uses",), f"{step.name} works on a pod: a step {_RESOLVE} has to come before it"
    _, _, goto = place.spec.get("on_error", "").partition(":")
    if goto and goto not in place.after:
        yield ("on_error",), f"goes on at {goto}, which is no later step of its own"


def _asked(place: _Place, inputs: Mapping[str, Any]) -> Found:
    """Prompt and condition."""
    if "approve" in place.spec:
        yield from under(("approve", "prompt"), _composed(place.spec["approve"]["prompt"], inputs))
    if "if" in place.spec:
        types = {name: declared["type"] for name, declared in inputs.items()}
        try:
            judge.check(place.spec["if"], names.kinds(types, place.before))
        except ValueError as error:
            yield ("if",), str(error)


def _composed(text: str, inputs: Mapping[str, Any]) -> Found:
    try:
        bind.composed(text, inputs)
    except ValueError as error:
        yield (), str(error)


def _deed(spec: Mapping[str, Any], inputs: Mapping[str, Any]) -> Found:
    """What it uses, and to undo it; the parameters of both."""
    if "uses" in spec:
        yield from _using(spec, inputs)
    if "undo" in spec:
        yield from under(("undo",), _using(spec["undo"], inputs))


def _using(spec: Mapping[str, Any], inputs: Mapping[str, Any]) -> Found:
    step = _KNOWN.get(spec["uses"])
    if step is None:
        yield ("uses",), f"no such step: {spec['uses']}; the steps: {', '.join(_KNOWN)}"
        return
    written = spec.get("with", {})
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
            yield from under(("with",), _fits(step.Params, key, inputs[name]["type"], name))
    expressed = set(written) - set(literal)
    yield from under(("with",), misfits(literal, step.Params, given=expressed))


def _fits(params: type[msgspec.Struct], key: str, kind: str, name: str) -> Found:
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
