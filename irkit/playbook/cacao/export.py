"""A playbook as CACAO 2.0: what CACAO can say in its own terms, all of it in one extension, what is lost as words."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from irkit.model.run import Effect
from irkit.playbook.cacao.words import (
    ACTIVITIES,
    AUTHOR,
    CREATED,
    EXTENSION,
    NAMESPACE,
    SPEC,
    TYPES,
    identifier,
    variable,
)
from irkit.playbook.registry import step
from irkit.playbook.schema import EXPRESSION, Approve, Input, Parallel, Playbook, StepSpec
from irkit.times import parse_span

Json = dict[str, Any]
_WITHIN = re.compile(EXPRESSION.strip("^$"))


@dataclass(frozen=True, slots=True)
class Exported:
    """The document, and what of the playbook another reader of CACAO will not see."""

    document: Json
    losses: tuple[str, ...]


def export(playbook: Playbook) -> Exported:
    """`playbook` as a CACAO document; the same playbook gives the same document."""
    flow = _Flow(playbook)
    start = flow.whole()
    metadata = playbook.metadata
    effects = [step(spec.does).effect for spec in playbook.every_step]
    activities = sorted({activity for spec in playbook.every_step if (activity := _activity(spec))})
    document: Json = {
        "type": "playbook",
        "spec_version": SPEC,
        "id": f"playbook--{uuid.uuid5(NAMESPACE, metadata.name)}",
        "name": metadata.name,
        "description": metadata.description or metadata.title or metadata.name,
        "created_by": AUTHOR,
        "created": CREATED,
        "modified": CREATED,
        "workflow_start": start,
        "workflow": flow.steps,
        "agent_definitions": flow.agents,
        "playbook_extensions": {EXTENSION: {"playbook": msgspec.to_builtins(playbook)}},
        "extension_definitions": {EXTENSION: _EXTENSION},
    }
    if activities:
        changing = any(Effect(effect).changes_cluster for effect in effects)
        document["playbook_types"] = ["mitigation" if changing else "investigation"]
        document["playbook_activities"] = activities
    if playbook.inputs:
        document["playbook_variables"] = {variable(name): _input(one) for name, one in playbook.inputs.items()}
    if metadata.attack or metadata.d3fend:
        document["external_references"] = [*_references(playbook)]
    return Exported(document, tuple(_losses(playbook)))


_EXTENSION = {
    "type": "extension-definition",
    "name": "irkit playbook",
    "description": "The playbook as irkit reads it: what the workflow beside it cannot say stands here.",
    "created_by": AUTHOR,
    "schema": "irkit playbook schema",
    "version": "1.0.0",
}


def _input(declared: Input) -> Json:
    told: Json = {"type": TYPES[declared.type], "external": True}
    if declared.description:
        told["description"] = declared.description
    if declared.default is not None:
        default = declared.default
        told["value"] = default if isinstance(default, str) else msgspec.json.encode(default).decode()
    return told


def _references(playbook: Playbook) -> Iterator[Json]:
    for source, ids in (("mitre-attack", playbook.metadata.attack), ("mitre-d3fend", playbook.metadata.d3fend)):
        yield from ({"name": source, "external_id": one} for one in ids)


def _activity(spec: StepSpec) -> str:
    return ACTIVITIES.get(spec.does.partition("@")[0], "")


@dataclass(slots=True)
class _Flow:
    """The workflow under construction: every step under its identifier."""

    playbook: Playbook
    steps: dict[str, Json] = field(default_factory=dict)
    agents: dict[str, Json] = field(default_factory=dict)

    def whole(self) -> str:
        """Build all of it; the identifier of its start."""
        start, end = self._id("start", ""), self._id("end", "")
        blocks, always = self.playbook.blocks, self.playbook.always
        entries = [self._entry(block) for block in blocks] + [self._id_of(spec) for spec in always] + [end]
        self.steps[start] = {"type": "start", "on_completion": entries[0]}
        after = entries[len(blocks)]
        for index, block in enumerate(blocks):
            self._block(block, entries[index], entries[index + 1], after)
        for index, spec in enumerate(always, len(blocks)):
            self._leaf(spec, {"on_completion": entries[index + 1]})
        self.steps[end] = {"type": "end"}
        return start

    def _id(self, kind: str, path: str) -> str:
        return identifier(kind, self.playbook.metadata.name, path)

    def _id_of(self, spec: StepSpec) -> str:
        return self._id("if-condition" if spec.condition else "action", spec.id)

    def _entry(self, block: Parallel) -> str:
        if len(block.steps) == 1:
            return self._id_of(block.steps[0])
        return self._id("parallel", "+".join(spec.id for spec in block.steps))

    def _block(self, block: Parallel, entry: str, after: str, failed: str) -> None:
        if len(block.steps) == 1:
            self._leaf(block.steps[0], self._onward(block.steps[0], after, failed))
            return
        stopping = [spec for spec in block.steps if spec.on_error != "continue"]
        onward = self._onward((stopping or block.steps)[0], after, failed)
        branches = [self._id_of(spec) for spec in block.steps]
        self.steps[entry] = {"type": "parallel", "next_steps": branches, **onward}
        for spec in block.steps:
            self._leaf(spec, {"on_completion": self._end(f"{spec.id}/branch")})

    def _onward(self, spec: StepSpec, after: str, failed: str) -> Json:
        if spec.on_error == "continue":
            return {"on_completion": after}
        return {"on_success": after, "on_failure": self._target(spec.goto) if spec.goto else failed}

    def _target(self, step_id: str) -> str:
        return next(self._id_of(spec) for spec in self.playbook.every_step if spec.id == step_id)

    def _end(self, path: str) -> str:
        end = self._id("end", path)
        self.steps[end] = {"type": "end"}
        return end

    def _leaf(self, spec: StepSpec, onward: Json) -> None:
        """The action of one step; where it has a condition, as the branch of that."""
        if spec.condition:
            branch = {"on_completion": self._end(f"{spec.id}/if")}
            told = {"type": "if-condition", "condition": spec.condition, "on_true": self._id("action", spec.id)}
            self.steps[self._id_of(spec)] = told | onward
            onward = branch
        action: Json = {
            "type": "action",
            "name": spec.id,
            "commands": [self._command(spec)],
            "agent": self._agent(spec),
        }
        if patience := (spec.approve.timeout if spec.approve else self.playbook.patience(spec)):
            action["timeout"] = int(parse_span(patience).total_seconds() * 1000)
        self.steps[self._id("action", spec.id)] = action | onward

    def _command(self, spec: StepSpec) -> Json:
        if spec.approve:
            return {"type": "manual", "command": _WITHIN.sub(r"__\1__:value", spec.approve.prompt)}
        told: Json = {"type": "manual", "command": f"irkit {spec.uses}: {step(spec.uses).about}"}
        if activity := _activity(spec):
            told["playbook_activity"] = activity
        return told

    def _agent(self, spec: StepSpec) -> str:
        """Who does it: a group by its roles, or whoever runs irkit."""
        name = (" or ".join(spec.approve.roles) or "anybody") if spec.approve else "irkit"
        agent = self._id("group", f"agent {name}")
        self.agents[agent] = {"type": "group", "name": name}
        return agent


def _losses(playbook: Playbook) -> Iterator[str]:
    """What stands in the extension alone."""
    specs, blocks = playbook.every_step, [block for block in playbook.blocks if len(block.steps) > 1]
    asked = [spec.approve for spec in specs if spec.approve]
    told = {
        "with, the parameters of steps": any(spec.params for spec in specs),
        "needs": any(spec.needs for spec in specs),
        "conditions, which are written in CEL and not as STIX patterns": any(spec.condition for spec in specs),
        "retry": bool(playbook.defaults.retry) or any(spec.retry for spec in specs),
        "undo": any(spec.undo for spec in specs),
        "quorum, not and on_timeout of approvals": any(_strict(one) for one in asked),
        "max and fail_fast of parallel blocks": any(block.max != 4 or block.fail_fast for block in blocks),
        "on_error of each step in a parallel block": any(len({one.on_error for one in b.steps}) > 1 for b in blocks),
        "patterns of inputs, and whether a list is of paths": any(
            one.pattern is not None or one.type == "paths" for one in playbook.inputs.values()
        ),
        "limits": bool(msgspec.to_builtins(playbook.limits)),
        "concurrency": playbook.concurrency is not None,
    }
    yield from (what for what, lost in told.items() if lost)


def _strict(asked: Approve) -> bool:
    return asked.quorum != 1 or bool(asked.exclude) or asked.on_timeout != "deny"
