"""One match as a line of JSON: by itself, so that a search need not read the rules to print what it found."""

from __future__ import annotations

import hashlib

import msgspec

from irkit.model.audit import Match


def line(match: Match) -> bytes:
    """One line of `audit search -o jsonl`: the event stands in it byte for byte."""
    return _encoded(match, {})


def proven(match: Match) -> bytes:
    """The same with the hash of the event's bytes, as evidence keeps it."""
    return _encoded(match, {"sha256": hashlib.sha256(match.raw).hexdigest()})


def _encoded(match: Match, proof: dict[str, str]) -> bytes:
    fields = {"tier": int(match.tier), "reason": match.reason, "source": match.source, **proof}
    return msgspec.json.encode(fields | {"event": msgspec.Raw(match.raw)}) + b"\n"
