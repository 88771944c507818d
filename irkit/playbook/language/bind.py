"""Values for a playbook: inputs checked as declared, `${{ inputs.x }}` replaced by whole typed values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from irkit.errors import UsageError
from irkit.pattern import whole
from irkit.playbook.schema import EXPRESSION, Input, Playbook

# Values may come from an alert: no longer one is taken.
MAX_TEXT = 4096
MAX_ITEMS = 1000
TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "list": list[str],
    "paths": list[str],
}

_EXPRESSION = re.compile(EXPRESSION)
_WITHIN = re.compile(EXPRESSION.strip("^$"))


def reference(value: object) -> str | None:
    """The input that `value` stands for; None for a literal. Raises ValueError for an expression inside other text."""
    if not isinstance(value, str) or "${{" not in value:
        return None
    if found := _EXPRESSION.fullmatch(value):
        return found[1]
    raise ValueError(f"not an expression: {value!r}; only a whole value may be one, as in '${{{{ inputs.pod }}}}'")


def composed(template: str, values: Mapping[str, Any], quote: Callable[[str], str] = str) -> str:
    """`template` with every `${{ inputs.x }}` as text, for eyes and keys only; raises ValueError for an unknown one."""

    def text(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise ValueError(f"no such input: {found[1]}")
        return quote(str(values[found[1]]))

    filled = _WITHIN.sub(text, template)
    if "${{" in _WITHIN.sub("", template):
        raise ValueError(f"not an expression: {template!r}")
    return filled


def check(name: str, declared: Input, value: object) -> Any:  # noqa: ANN401 - of the declared type
    """`value` if the declaration allows it; raises ValueError."""
    try:
        typed = msgspec.convert(value, TYPES[declared.type])
    except msgspec.ValidationError as error:
        raise ValueError(f"input {name} is not of type {declared.type}") from error
    texts = [typed] if isinstance(typed, str) else typed if isinstance(typed, list) else []
    if len(texts) > MAX_ITEMS or any(len(text) > MAX_TEXT for text in texts):
        raise ValueError(f"input {name} is longer than {MAX_ITEMS} items of {MAX_TEXT} characters")
    for text in texts:
        if declared.pattern is not None and not whole(declared.pattern)(text):
            raise ValueError(f"input {name} does not match {declared.pattern}: {text!r}")
    return [_anchored(text) for text in texts] if declared.type == "paths" else typed


def _anchored(path: str) -> str:
    return path if path == "-" or "://" in path else str(Path(path).absolute())


def inputs(playbook: Playbook, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` completed with defaults and checked; raises UsageError."""
    if unknown := sorted(set(given) - set(playbook.inputs)):
        known = ", ".join(playbook.inputs) or "none"
        raise UsageError(f"playbook {playbook.metadata.name} has no input {unknown[0]!r}", f"its inputs: {known}")
    values = {}
    for name, declared in playbook.inputs.items():
        if name not in given and declared.required:
            raise UsageError(f"playbook {playbook.metadata.name} needs the input {name}", declared.description)
        try:
            values[name] = check(name, declared, given.get(name, declared.default))
        except ValueError as error:
            raise UsageError(str(error), declared.description) from error
    return values


def from_text(playbook: Playbook, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Typed inputs from `name=value` texts; a name given again adds to its list. Raises UsageError."""
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    return {name: _typed(playbook.inputs.get(name), name, values) for name, values in texts.items()}


def _typed(declared: Input | None, name: str, values: list[str]) -> Any:  # noqa: ANN401 - of the declared type
    kind = declared.type if declared else "string"
    if kind in ("list", "paths"):
        return values
    if len(values) > 1:
        raise UsageError(f"input {name} is given {len(values)} times, and is not a list")
    try:
        return msgspec.convert(values[0], TYPES[kind], strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"input {name} is not of type {kind}: {values[0]!r}") from error


def params(written: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a step with every expression replaced; raises ValueError for one that names no input."""
    filled = {}
    for key, value in written.items():
        name = reference(value)
        if name is not None and name not in values:
            raise ValueError(f"no such input: {name}")
        filled[key] = value if name is None else values[name]
    return filled
