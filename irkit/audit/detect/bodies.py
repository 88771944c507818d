"""What requests carry: pod specs wherever they hide, the rules of roles, whole bodies and partial ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from irkit.audit.read.event import NULL, Event, body, whole

Body = dict[str, Any]

WORKLOADS = (
    "deployments",
    "daemonsets",
    "statefulsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
    "podtemplates",
)
BINDINGS = ("rolebindings", "clusterrolebindings")
POD_BEARERS = ("pods", "pods/ephemeralcontainers", *WORKLOADS)
_PATHS = (("spec", "jobTemplate", "spec", "template", "spec"), ("spec", "template", "spec"), ("template", "spec"))
_ELSEWHERE = ("copy", "move")  # operations of a JSON Patch that say where a value stands instead of the value
_LISTS = ("initContainers", "containers", "ephemeralContainers")


def logged(event: Event) -> bool:
    """Whether the event tells what the request did.

    Not at level Metadata, not when it was too large. A JSON Patch that copies or moves shows a value, and a patch of
    whom a role is bound to shows the role, only where the result is logged, too.
    """
    if bytes(event.requestObject) == bytes(NULL):
        return False
    if bytes(event.responseObject) != bytes(NULL):
        return True
    if event.verb == "patch" and event.ref.resource in BINDINGS:
        return b"subjects" not in plain(event.requestObject)
    operations = whole(event.requestObject) if bytes(event.requestObject)[:1] == b"[" else ()
    return not any(one.get("op") in _ELSEWHERE for one in objects(operations))


def bodies(event: Event) -> Iterator[Body]:
    """What the request asked for, as objects: a JSON Patch is what its operations add, put where they add it."""
    asked = whole(event.requestObject)
    if isinstance(asked, dict):
        yield asked
    elif isinstance(asked, list):
        operations = objects(asked)
        made = result(event) if any(one.get("op") in _ELSEWHERE for one in operations) else {}
        yield from (_planted(one, made) for one in operations)


def result(event: Event) -> Body:
    """The object as it stood afterwards; empty below level RequestResponse."""
    return body(event.responseObject)


def _planted(operation: Body, made: Body) -> Body:
    """The value of a JSON Patch operation under its path; list positions are one-item lists. `made`: its result."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in str(operation.get("path", "")).split("/")[1:]]
    value = None
    if operation.get("op") in ("add", "replace"):
        value = operation.get("value")
    elif operation.get("op") in _ELSEWHERE:  # what stood there is where it went
        value = _standing(made, steps)
    for step in reversed(steps):
        value = [value] if _place(step) else {step: value}
    return value if isinstance(value, dict) else {}


def _standing(found: Any, steps: list[str]) -> Any:  # noqa: ANN401 - JSON of any shape
    for step in steps:
        if isinstance(found, list) and _place(step):
            found = next(iter(found[-1:] if step == "-" else found[int(step) :]), None)
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def _place(step: str) -> bool:
    """Whether `step` names a position of a list."""
    return step.isdecimal() or step == "-"


def at(found: Any, *path: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """What stands at `path` of nested objects; None where nothing does."""
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def objects(found: Any) -> list[Body]:  # noqa: ANN401 - JSON of any shape
    """The objects of a list; empty for anything else."""
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(found: Any) -> list[str]:  # noqa: ANN401 - JSON of any shape
    """The texts of a list; empty for anything else."""
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def pod_specs(event: Event) -> Iterator[Body]:
    """The spec of each pod that the request makes or would have made."""
    for asked in bodies(event):
        found = next((spec for path in _PATHS if isinstance(spec := at(asked, *path), dict)), asked.get("spec"))
        if isinstance(found, dict):
            yield found


def containers(spec: Body) -> Iterator[Body]:
    """Init, regular and ephemeral containers."""
    for kind in _LISTS:
        yield from objects(spec.get(kind))


def plain(raw: msgspec.Raw) -> bytes:
    """A body without the escapes in which a client may have sent its letters."""
    return msgspec.json.encode(whole(raw)) if b"\\u" in bytes(raw) else bytes(raw)


def text(found: Any) -> str:  # noqa: ANN401 - JSON of any shape
    """A text as it is; anything else as JSON, cut."""
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()[:100]
