"""A playbook as a document: the nouns of `apiVersion: irkit/v1`, `kind: Playbook`, and their JSON Schema."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

API_VERSION = "irkit/v1"
# One whole value and nothing around it: text is never pasted into text.
EXPRESSION = r"^\$\{\{ *inputs\.([a-z][a-z0-9_]*) *\}\}$"

APPROVE = "approve"  # what the registry calls a step that asks people
NAME = r"^[a-z][a-z0-9_]{0,39}$"
MAX_STEPS = 50

Identifier = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Span = Annotated[str, Meta(pattern=r"^[1-9]\d{0,4}[smhd]$", description="a length of time: 45s, 10m, 12h or 7d")]
InputName = Annotated[str, Meta(pattern=NAME)]
InputType = Literal["string", "integer", "number", "boolean", "list", "paths"]


class Metadata(Struct, frozen=True, forbid_unknown_fields=True):
    """What a reader sees first. `attack` and `d3fend` are ids of those catalogues."""

    name: Identifier
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$")]
    title: str = ""
    description: str = ""
    attack: tuple[Annotated[str, Meta(pattern=r"^T\d{4}(\.\d{3})?$")], ...] = ()
    d3fend: tuple[Annotated[str, Meta(pattern=r"^D3-[A-Z]+$")], ...] = ()


class Input(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One value that a run is given. `list` is a list of strings; `pattern` must match the whole of each string.

    `paths` is a list of files, folders, globs, URLs and `-`: files are kept absolute, so that a run resumed from
    another folder finds them.
    """

    type: InputType
    required: bool = False
    pattern: Annotated[str, Meta(max_length=500)] | None = None  # None: any text
    default: Any = None  # None: no default
    description: str = ""


class Approve(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What people are asked before the steps that follow. `roles`: who may answer, one of them; none: anybody.

    `not: [initiator]` keeps out whoever started the run. Without an answer in time it is denied, or gone on.
    """

    prompt: Annotated[str, Meta(min_length=1, max_length=500)]
    roles: tuple[Identifier, ...] = ()
    quorum: Annotated[int, Meta(ge=1, le=9)] = 1
    exclude: tuple[Literal["initiator"], ...] = msgspec.field(default=(), name="not")
    timeout: Span = "1h"
    on_timeout: Literal["deny", "continue"] = "deny"


class StepSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step: `uses` names it in the registry, or people are asked; `needs`: what must have ended well before it."""

    id: Identifier
    uses: str = ""  # "" for one that asks for approval
    params: dict[str, Any] = msgspec.field(default_factory=dict, name="with")
    approve: Approve | None = None  # None: it asks nobody
    needs: tuple[str, ...] = ()
    on_error: Literal["stop", "continue"] = "stop"

    @property
    def does(self) -> str:
        """The name under which the registry knows it."""
        return APPROVE if self.approve else self.uses


class Playbook(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole playbook: `steps` in order, then `always` however they ended."""

    apiVersion: Literal["irkit/v1"]
    kind: Literal["Playbook"]
    metadata: Metadata
    steps: Annotated[tuple[StepSpec, ...], Meta(min_length=1, max_length=MAX_STEPS)]
    inputs: dict[InputName, Input] = {}
    always: Annotated[tuple[StepSpec, ...], Meta(max_length=MAX_STEPS)] = ()

    @property
    def every_step(self) -> tuple[StepSpec, ...]:
        """Steps in the order in which they run."""
        return self.steps + self.always


@dataclass(frozen=True, slots=True)
class Pinned:
    """A playbook bound to the text it was read from: a file changed later never alters a run."""

    playbook: Playbook
    text: str
    source: str = ""  # file path; "" for one that irkit composed

    @property
    def sha256(self) -> str:
        """The hash that a run is pinned to."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """The playbook's own name."""
        return self.playbook.metadata.name


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of playbooks: `uses` is an enum of the registry, `with` depends on it."""
    from irkit.playbook.registry import STEPS

    (root,), definitions = msgspec.json.schema_components([Playbook], ref_template="#/$defs/{name}")
    spec = definitions["StepSpec"]
    spec["properties"]["uses"] = {"enum": [step.name for step in STEPS]}
    spec["oneOf"] = [{"required": ["uses"]}, {"required": ["approve"], "not": {"required": ["with"]}}]
    spec["allOf"] = [_params_of(step.name, step.Params) for step in STEPS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "irkit playbook",
        **root,
        "$defs": definitions,
    }


def _params_of(name: str, params: type[Struct]) -> dict[str, Any]:
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
