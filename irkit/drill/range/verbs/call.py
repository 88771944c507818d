"""One request on its way through the server, and the world it acts on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from irkit.drill.range.access.users import User, Users
from irkit.drill.range.answer import ApiFailure, Cause, Json, bad_request, invalid, unsupported_media
from irkit.drill.range.kinds import wire
from irkit.drill.range.kinds.table import Kind
from irkit.drill.range.request import Ask
from irkit.drill.range.state.controllers import Controllers
from irkit.drill.range.state.logs import Logs
from irkit.drill.range.state.store import Store

_MEDIA = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


@dataclass
class World:
    """What the range consists of. `files`: what its nodes have below /var/log, "node-1/kube-apiserver/audit.log"."""

    store: Store
    users: Users
    logs: Logs
    controllers: Controllers
    files: dict[str, Path] = field(default_factory=dict)
    closing: bool = False


@dataclass
class Call:
    """A request that was understood, authenticated and allowed."""

    ask: Ask
    kind: Kind
    user: User
    world: World
    raw: bytes
    media: str  # of the body, without parameters
    accept: str
    agent: str
    warnings: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The objects."""
        return self.world.store

    @property
    def manager(self) -> str:
        """The field manager: as asked, or the beginning of the user agent, as the API server takes it."""
        return self.ask.query.get("fieldManager") or self.agent.partition("/")[0] or "unknown"

    @property
    def dry(self) -> bool:
        """Whether nothing may be kept; raises 422 for a dryRun that the API does not know."""
        given = self.ask.query.get("dryRun") or (self.options().get("dryRun") or [""])[0]
        if given in ("", "All"):
            return bool(given)
        options = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
        message = f'Unsupported value: ["{given}"]: supported values: "All"'
        cause = Cause("dryRun", "FieldValueNotSupported", message)
        raise invalid(options.get(self.ask.verb, "DeleteOptions"), "", [cause], group="meta.k8s.io")

    def options(self) -> Json:
        """The DeleteOptions of a deletion's body; empty for other verbs."""
        return self.body() if self.ask.verb.startswith("delete") and self.raw else {}

    def body(self) -> Json:
        """The body as a JSON object; raises 400 or 415."""
        if self.media == "application/vnd.kubernetes.protobuf":
            return wire.parse(self.raw)
        if self.media not in ("", "application/json", "application/yaml"):
            raise unsupported_media(_MEDIA)
        return document(self.raw, self.kind.kind, yaml=self.media == "application/yaml")


def document(raw: bytes, kind: str, *, yaml: bool = False) -> Json:
    """A JSON (or YAML) object; raises 400 for anything else."""
    try:
        parsed = json.loads(raw)
    except ValueError as error:
        if yaml:
            return _yaml(raw)
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
            f"json parse error: {error} ({raw[:10].hex()} ...)"
        ) from error
    if not isinstance(parsed, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): not an object")
    return parsed


def _yaml(raw: bytes) -> Json:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        parsed = YAML(typ="safe", pure=True).load(raw)
    except (YAMLError, UnicodeError) as error:
        raise bad_request(f"error decoding YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(parsed, dict):
        raise bad_request("error decoding YAML: not an object")
    return parsed


def number(call: Call, name: str) -> int | None:
    """A query parameter as a number; None when it is absent; raises 400 for anything else."""
    given = call.ask.query.get(name)
    if not given:
        return None
    try:
        return int(given)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{given}": invalid syntax') from error


def revision(call: Call) -> int:
    """The resourceVersion asked for, 0 for none; raises 400, or 504 for one from the future."""
    given = call.ask.query.get("resourceVersion", "")
    if given and not given.isdecimal():
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{given}": '
            f'strconv.ParseUint: parsing "{given}": invalid syntax'
        )
    current = call.store.revision
    if given and int(given) > current:
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        message = f"Timeout: Too large resource version: {given}, current: {current}"
        raise ApiFailure(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})
    return int(given or 0)
