"""What parsers ask of JSON: a field of the right type, or BadAlert; labels, pods, severities, keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from irkit import times
from irkit.errors import UsageError
from irkit.model.alert import BadAlert
from irkit.model.audit import Severity
from irkit.model.pod import PodRef

Json = dict[str, Any]

MAX_LABELS = 1000

# Words that rules of the field use. A word not listed counts as low: what nobody vouched for starts nothing drastic.
_SEVERITIES = {
    Severity.CRITICAL: ("critical", "emergency", "alert", "fatal", "page", "p1"),
    Severity.HIGH: ("high", "error", "major", "p2"),
    Severity.MEDIUM: ("medium", "warning", "warn", "minor", "moderate", "p3"),
    Severity.LOW: ("low", "notice", "p4"),
    Severity.INFO: ("info", "informational", "information", "debug", "none", "p5"),
}
_BY_WORD = {word: severity for severity, words in _SEVERITIES.items() for word in words}


def severity(word: object) -> Severity:
    """What a sender's `word` means here."""
    return _BY_WORD.get(str(word).strip().lower(), Severity.LOW)


def obj(value: object, what: str) -> Json:
    """`value`, which must be an object; `what` names it in the refusal."""
    if not isinstance(value, dict):
        raise BadAlert(f"{what}: an object is expected")
    return value


def items(data: Json, key: str) -> list[Any]:
    """The list at `key`."""
    if not isinstance(found := data.get(key), list):
        raise BadAlert(f"{key}: a list is expected")
    return found


def text(data: Json, key: str, default: str | None = None) -> str:
    """The text at `key`; where it is absent or null, `default`, and without one BadAlert. Never "" without default."""
    found = data.get(key)
    if found is None and default is not None:
        return default
    if not isinstance(found, str) or (not found and default is None):
        raise BadAlert(f"{key}: text is expected")
    return found


def instant(data: Json, key: str) -> datetime:
    """The RFC 3339 instant at `key`, in UTC."""
    try:
        return times.parse(text(data, key))
    except (ValueError, OverflowError) as error:
        raise BadAlert(f"{key}: an RFC 3339 instant is expected") from error


def texts(data: Json, key: str) -> dict[str, str]:
    """The object of texts at `key`; {} where it is absent or null."""
    found = obj(data.get(key) or {}, key)
    if not all(isinstance(value, str) for value in found.values()):
        raise BadAlert(f"{key}: an object of texts is expected")
    return labels(found)


def labels(data: Mapping[str, Any]) -> dict[str, str]:
    """Every scalar in `data` as text, under its path ("process.name", "tags.0"); nulls are left out."""
    found: dict[str, str] = {}
    for name, value in _leaves(data, ""):
        if found.setdefault(name, value) != value:
            raise BadAlert("two fields have one path")
        if len(found) > MAX_LABELS:
            raise BadAlert(f"more than {MAX_LABELS} fields")
    return found


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case None:
            return
        case dict() | list():
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for key, part in pairs:
                yield from _leaves(part, f"{path}.{key}" if path else str(key))
        case bool():
            yield path, str(value).lower()
        case _:
            yield path, str(value)


def pod(namespace: object, name: object) -> PodRef | None:
    """The pod that two texts name; None where they name none that could exist."""
    if not (isinstance(namespace, str) and isinstance(name, str) and namespace and name):
        return None
    try:
        return PodRef(namespace, name)
    except UsageError:
        return None


def key(*parts: str) -> str:
    """One key for `parts`, whatever they hold: each is hashed with its length, so no two lists of parts share one."""
    hasher = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        hasher.update(len(raw).to_bytes(8) + raw)
    return hasher.hexdigest()
