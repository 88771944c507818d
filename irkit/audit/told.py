"""One match as a line of JSON: by itself, so that a search need not read the rules to print what it found."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from irkit.model.audit import Match


def line(match: Match) -> bytes:
    """One line of `audit search -o jsonl`: the event stands in it byte for byte."""
    return _encoded(match, _fields(match))


def proven(match: Match) -> bytes:
    """The same with the hash of the event's bytes, as evidence keeps it."""
    return _encoded(match, _proof(match))


def parsed(match: Match) -> dict[str, Any]:
    """The same in a document, which has the event parsed: its bytes may be no JSON to a strict reader."""
    return _proof(match) | {"event": match.event}


def _encoded(match: Match, fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields | {"event": msgspec.Raw(match.raw)}) + b"\n"


def _proof(match: Match) -> dict[str, Any]:
    return _fields(match) | {"sha256": hashlib.sha256(match.raw).hexdigest()}


def _fields(match: Match) -> dict[str, Any]:
    return {"tier": int(match.tier), "reason": match.reason, "source": match.source}
