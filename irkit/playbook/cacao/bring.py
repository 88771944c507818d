"""A CACAO 2.0 document as a playbook: our own comes back as it was, another's as questions to people.

Commands of others (bash, ssh, http-api, ...) are never run. Each becomes a step that is left out; allowed, a question
that asks somebody to do it by hand.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from irkit.errors import UsageError
from irkit.model.codec import compact
from irkit.playbook.cacao.check import doubtful, fatal, pointers
from irkit.playbook.cacao.export import export
from irkit.playbook.cacao.words import EXTENSION
from irkit.playbook.language.yaml import MAX_BYTES
from irkit.playbook.lint import lint, parse
from irkit.playbook.schema import API_VERSION, MAX_STEPS, NAME
from irkit.text import safe

MAX_DOCUMENT = 1 << 20  # bytes
MAX_PROMPT = 500
_TYPES = {"string": "string", "integer": "integer", "long": "integer", "float": "number", "bool": "boolean"}
_VARIABLE = re.compile(r"__([a-zA-Z_][a-zA-Z0-9_-]{0,199}?)__:value")
_OFF = "false"  # a condition that never holds
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """A playbook file, and what of the document is not in it."""

    text: str
    losses: tuple[str, ...]


def bring(raw: bytes, *, allow_commands: bool = False) -> Imported:
    """The playbook that the document in `raw` amounts to; raises UsageError where nothing can be made of it."""
    if len(raw) > MAX_DOCUMENT:
        raise UsageError(f"larger than {MAX_DOCUMENT >> 20} MiB")
    try:
        document = msgspec.json.decode(raw)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}") from error
    for problem in fatal(document):
        raise UsageError(safe(problem), "check it with a CACAO tool")
    ours = _ours(document)
    made = ours or _Foreign(document, allow_commands).imported()
    problems = lint(made.text)
    if problems:
        raise UsageError(f"what it amounts to is no playbook: {problems[0].message}", "import a smaller part of it")
    return made


def _ours(document: Json) -> Imported | None:
    """What we exported, from our extension; None for a document of others, or one whose extension was broken."""
    extension = document.get("playbook_extensions")
    told = extension.get(EXTENSION) if isinstance(extension, dict) else None
    data = told.get("playbook") if isinstance(told, dict) else None
    if not isinstance(data, dict):
        return None
    text = _yaml(data)
    if lint(text):
        return None
    again = msgspec.json.decode(compact(export(parse(text).playbook).document))
    changed = sorted(key for key in {*again, *document} if again.get(key) != document.get(key))
    return Imported(text, tuple(f"{key} was changed by another tool; irkit's own copy is taken" for key in changed))


def _yaml(data: Json) -> str:
    from ruamel.yaml import YAML

    writer = YAML(typ="rt", pure=True)  # which alone keeps the order of keys
    writer.width = 4096
    writer.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    writer.dump(data, out)
    return out.getvalue()


@dataclass(slots=True)
class _Foreign:
    """Another's document on its way in."""

    document: Json
    allow_commands: bool
    losses: list[str] = field(default_factory=list)
    steps: list[Json] = field(default_factory=list)
    inputs: dict[str, Json] = field(default_factory=dict)

    def imported(self) -> Imported:
        self.losses += doubtful(self.document)
        self._inputs()
        for name in self._order():
            self._step(name, self.document["workflow"][name])
        if not self.steps:
            raise UsageError("it has no step that does anything", "import a document with actions")
        self._unread()
        metadata = {"name": self._name(), "version": "1.0.0", **self._told()}
        data = {"apiVersion": API_VERSION, "kind": "Playbook", "metadata": metadata, "steps": self.steps}
        text = _yaml(data | ({"inputs": self.inputs} if self.inputs else {}))
        if len(text.encode()) > MAX_BYTES or len(self.steps) > MAX_STEPS:
            raise UsageError(f"it has {len(self.steps)} steps: more than irkit takes", f"{MAX_STEPS} at most")
        return Imported(text, tuple(safe(loss) for loss in dict.fromkeys(self.losses)))

    def _name(self) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", str(self.document.get("name", "")).lower()).strip("-")
        return re.sub(r"^[^a-z]+", "", slug)[:40].strip("-") or "imported"

    def _told(self) -> Json:
        name, about = self.document.get("name"), self.document.get("description")
        found = {"title": name, "description": about}
        return {key: safe(value)[:2000] for key, value in found.items() if isinstance(value, str) and value.strip()}

    def _inputs(self) -> None:
        variables = self.document.get("playbook_variables")
        for name, told in variables.items() if isinstance(variables, dict) else ():
            plain_name = str(name).strip("_").lower().replace("-", "_")
            if not (isinstance(told, dict) and told.get("external") and re.fullmatch(NAME, plain_name)):
                self.losses.append(f"variable {name}: only external ones become inputs")
            elif told.get("type") not in _TYPES:
                self.losses.append(f"variable {name}: no input is of type {told.get('type')}")
            else:
                self.inputs[plain_name] = {"type": _TYPES[told["type"]], "required": True}
                if told.get("value") is not None:
                    self.losses.append(f"variable {name}: its value is not taken as a default")

    def _order(self) -> Iterator[str]:
        """Every step that is reached, each once, as it is come upon first."""
        seen: set[str] = set()
        ahead = [self.document["workflow_start"]]
        while ahead:
            name = ahead.pop(0)
            if name not in seen:
                seen.add(name)
                yield name
                ahead += pointers(self.document["workflow"][name])

    def _step(self, name: str, told: Mapping[str, Any]) -> None:
        match told.get("type"):
            case "start" | "end":
                return
            case "action":
                commands = told.get("commands")
                for command in commands if isinstance(commands, list) else ():
                    self._command(name, told, command)
            case "parallel":
                self.losses.append(f"{name}: its branches are asked about one after the other")
            case "if-condition" | "while-condition" | "switch-condition" as kind:
                self.losses.append(f"{name}: the {kind} is not translated; all its branches are asked about")
            case "playbook-action":
                self._ask(f"DISABLED playbook: {told.get('playbook_id')}", told, off=not self.allow_commands)
                self.losses.append(f"{name}: playbook {told.get('playbook_id')} is not called")
            case kind:
                self.losses.append(f"{name}: no such kind of step: {kind}")

    def _command(self, name: str, told: Mapping[str, Any], command: Any) -> None:  # noqa: ANN401 - JSON of any shape
        if not isinstance(command, dict):
            self.losses.append(f"{name}: a command that is no object")
            return
        text, kind = _text(command), str(command.get("type"))
        if kind == "manual":
            self._ask(text, told, off=False)
            return
        self.losses.append(f"{name}: {kind} is never run" + (", somebody is asked to" if self.allow_commands else ""))
        word = "By hand" if self.allow_commands else "DISABLED"
        self._ask(f"{word}, {kind}: {text}", told, off=not self.allow_commands)

    def _ask(self, text: str, told: Mapping[str, Any], *, off: bool) -> None:
        """A question of one step; `off`: it stays in the file and is never asked."""
        prompt = self._prompt(text or str(told.get("name") or "nothing is said"))
        asking: Json = {"prompt": prompt}
        if isinstance(told.get("timeout"), int) and told["timeout"] >= 1000:
            asking["timeout"] = f"{min(told['timeout'] // 1000, 99_999)}s"
        step: Json = {"id": f"step-{len(self.steps) + 1}", "approve": asking}
        self.steps.append(step | ({"if": _OFF} if off else {}))

    def _prompt(self, text: str) -> str:
        """The text in one line, with our own names for the inputs that it uses, and no other expression."""
        bare = safe(text).replace("${{", "$ {{")
        cut = bare if len(bare) <= MAX_PROMPT - 100 else bare[: MAX_PROMPT - 103] + "..."
        if cut != bare:
            self.losses.append(f"a text of {len(bare)} characters is cut")

        def named(found: re.Match[str]) -> str:
            name = found[1].lower().replace("-", "_")
            return f"${{{{ inputs.{name} }}}}" if name in self.inputs else found[0]

        filled = _VARIABLE.sub(named, cut)
        return filled if len(filled) <= MAX_PROMPT else cut

    def _unread(self) -> None:
        kept = {"type", "spec_version", "id", "name", "description", "workflow", "workflow_start", "playbook_variables"}
        left = sorted(set(self.document) - kept)
        self.losses += [f"{key} is not taken" for key in left]
        if any(spec.get("if") == _OFF for spec in self.steps):
            self.losses.append("steps that are left out are there to be read: see if: 'false'")


def _text(command: Mapping[str, Any]) -> str:
    if isinstance(command.get("command"), str):
        return str(command["command"])
    try:
        return base64.b64decode(str(command.get("command_b64") or command.get("content_b64") or "")).decode()
    except ValueError:
        return ""
