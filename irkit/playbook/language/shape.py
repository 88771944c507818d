"""What the types alone tell about a playbook: each part by itself, since one conversion stops at its first problem."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from irkit.playbook.language.fit import misfits
from irkit.playbook.language.yaml import Path
from irkit.playbook.schema import (
    MAX_STEPS,
    NAME,
    Approve,
    Concurrency,
    Defaults,
    Input,
    Limits,
    Metadata,
    Parallel,
    Playbook,
    Retry,
    StepSpec,
    Undo,
)

Found = Iterator[tuple[Path, str]]

_PARTS: dict[str, type[Struct]] = {
    "metadata": Metadata,
    "defaults": Defaults,
    "limits": Limits,
    "concurrency": Concurrency,
}
_APART: dict[str, type] = {**dict.fromkeys(_PARTS, dict), "inputs": dict, "steps": list, "always": list}
_OF_A_STEP: dict[str, type[Struct]] = {"approve": Approve, "retry": Retry, "undo": Undo}
_KINDS = ("uses", "approve", "parallel")
_ONLY_DEEDS = ("with", "retry", "timeout", "undo")


def shape(data: Mapping[str, Any]) -> Found:
    """Every misfit of the playbook in `data`."""
    yield from misfits(data, Playbook, apart=_APART)
    for key, kind in _PARTS.items():
        if isinstance(data.get(key), dict):
            yield from under((key,), misfits(data[key], kind, apart={"retry": dict} if key == "defaults" else {}))
    if isinstance(data.get("defaults"), dict) and isinstance(data["defaults"].get("retry"), dict):
        yield from under(("defaults", "retry"), misfits(data["defaults"]["retry"], Retry))
    if isinstance(data.get("inputs"), dict):
        for name, declared in data["inputs"].items():
            yield from under(("inputs", name), misfits(declared, Input))
            if not re.fullmatch(NAME, name):
                yield ("inputs", name), f"not a name for an input: lower-case letters, digits and '_': {name!r}"
    for part in ("steps", "always"):
        specs = data.get(part) if isinstance(data.get(part), list) else []
        for index, spec in enumerate(specs or ()):
            yield from under((part, index), _step(spec, top=part == "steps"))
        if len(list(leaves(data, part))) > MAX_STEPS:
            yield (part,), f"more than {MAX_STEPS} steps"
    if data.get("steps") == []:
        yield ("steps",), "there are no steps"


def leaves(data: Mapping[str, Any], part: str) -> Iterator[tuple[Path, Any]]:
    """Every step of a part by its path, those of parallel blocks too."""
    for index, spec in enumerate(data[part]) if isinstance(data.get(part), list) else ():
        block = spec.get("parallel") if isinstance(spec, dict) else None
        inner = block.get("steps") if isinstance(block, dict) else None
        if isinstance(inner, list):
            yield from (((part, index, "parallel", "steps", number), one) for number, one in enumerate(inner))
        else:
            yield (part, index), spec


def under(path: Path, found: Found) -> Found:
    """`found` as it stands below `path`."""
    return (((*path, *rest), message) for rest, message in found)


def _step(spec: Any, *, top: bool) -> Found:  # noqa: ANN401 - YAML of any shape
    yield from misfits(spec, StepSpec, apart={**dict.fromkeys(_OF_A_STEP, dict), "parallel": dict})
    if not isinstance(spec, dict):
        return
    for key, kind in _OF_A_STEP.items():
        if isinstance(spec.get(key), dict):
            yield from under((key,), misfits(spec[key], kind))
    kinds = [kind for kind in _KINDS if kind in spec]
    if not kinds:
        yield (), "missing key 'uses' (or 'approve', or 'parallel')"
    for other in kinds[1:]:
        yield (other,), f"one step cannot have both {kinds[0]!r} and {other!r}"
    if kinds == ["parallel"]:
        yield from _parallel(spec, top=top)
    elif "id" not in spec:
        yield (), "missing key 'id'"
    if kinds == ["approve"]:
        yield from _bare(spec, top=top)
        yield from under(("approve",), _escalation(spec["approve"]))


def _escalation(asking: Any) -> Found:  # noqa: ANN401 - YAML of any shape
    if not isinstance(asking, dict):
        return
    if asking.get("on_timeout") == "escalate" and "escalate" not in asking:
        yield ("on_timeout",), "escalate to whom? missing key 'escalate' with their roles"
    if "escalate" in asking and asking.get("on_timeout") != "escalate":
        yield ("escalate",), "nobody is asked unless on_timeout says escalate"


def _bare(spec: Mapping[str, Any], *, top: bool) -> Found:
    for key in _ONLY_DEEDS:
        if key in spec:
            yield (key,), f"a step that asks for approval does nothing else: no {key!r}"
    if not top:
        yield ("approve",), "people are asked in steps, one question at a time: not in parallel, not in always"


def _parallel(spec: Mapping[str, Any], *, top: bool) -> Found:
    if not top:
        yield ("parallel",), "a parallel block stands in steps only, not in another and not in always"
        return
    for key in spec:
        if key != "parallel" and key in {*_ONLY_DEEDS, "id", "if", "needs", "on_error"}:
            yield (key,), f"a parallel block has no {key!r} of its own: its steps have"
    block = spec["parallel"]
    if not isinstance(block, dict):
        return
    yield from under(("parallel",), misfits(block, Parallel, apart={"steps": list}))
    if block.get("steps") == []:
        yield ("parallel", "steps"), "there are no steps"
    for index, inner in enumerate(block["steps"]) if isinstance(block.get("steps"), list) else ():
        yield from under(("parallel", "steps", index), _step(inner, top=False))
