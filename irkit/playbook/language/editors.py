"""The JSON Schema of playbooks, for editors: the nouns of the language, and what each step of the registry takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from irkit.playbook.registry import STEPS
from irkit.playbook.schema import EXPRESSION, Playbook

# What only a step can have that does something itself.
_ACTING = ("with", "retry", "timeout", "undo")


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of playbooks: `uses` is an enum of the registry, `with` depends on it."""
    (root,), definitions = msgspec.json.schema_components([Playbook], ref_template="#/$defs/{name}")
    spec = definitions["StepSpec"]
    spec["properties"]["uses"] = {"enum": [step.name for step in STEPS]}
    spec["oneOf"] = [
        {"required": ["id", "uses"]},
        {"required": ["id", "approve"], "not": {"anyOf": [{"required": [key]} for key in _ACTING]}},
        {"required": ["parallel"], "maxProperties": 1},
    ]
    spec["allOf"] = [_params_of(step.name, step.Params) for step in STEPS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "irkit playbook",
        **root,
        "$defs": definitions,
    }


def _params_of(name: str, params: type[msgspec.Struct]) -> dict[str, Any]:
    _, definitions = msgspec.json.schema_components([params], ref_template="#/$defs/{name}")
    shape: dict[str, Any] = dict(definitions[params.__name__])
    properties: Mapping[str, Any] = shape["properties"]
    expression = {"type": "string", "pattern": EXPRESSION}
    shape["properties"] = {key: {"anyOf": [expression, value]} for key, value in properties.items()}
    shape.pop("title", None)
    then: dict[str, Any] = {"properties": {"with": shape}}
    if shape["required"]:
        then["required"] = ["with"]
    return {"if": {"properties": {"uses": {"const": name}}, "required": ["uses"]}, "then": then}
