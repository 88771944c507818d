"""The least of each event that tells whether any rule asks about it: parsing no more is what makes detection fast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Literal, SupportsBytes

import msgspec
from stringzilla import split

from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Gate, Rule
from irkit.audit.read.blocks import Block
from irkit.audit.read.event import POD_UID
from irkit.audit.read.scan import regular

Rules = tuple[Rule, ...]
_NONE: Rules = ()


class _Extra(msgspec.Struct, gc=False):
    pod: list[str] | None = msgspec.field(default=None, name=POD_UID)


class _User(msgspec.Struct, gc=False):
    username: str = ""
    extra: _Extra | None = None


class _Somebody(msgspec.Struct, gc=False):
    pass


class _Ref(msgspec.Struct, gc=False):
    resource: str = ""
    subresource: str = ""


class _Status(msgspec.Struct, gc=False):
    code: int = 0


class Head(msgspec.Struct, gc=False):
    """Of an event, what the gates and the table below ask for."""

    verb: str
    level: str = ""
    stage: str = ""
    user: _User | None = None
    impersonatedUser: _Somebody | None = None
    objectRef: _Ref | None = None
    responseStatus: _Status | None = None


class _Usual(Head, gc=False):
    """The same with the texts that API servers write, which are not made anew for each event; others are refused."""

    verb: Literal[
        "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "post", "put", "head"
    ]
    level: Literal["", "None", "Metadata", "Request", "RequestResponse"] = ""
    stage: Literal["", "RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] = ""


LEVEL = attrgetter("level")
_HEAD = msgspec.json.Decoder(Head)
_USUAL = msgspec.json.Decoder(_Usual)
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def one_head(line: bytes) -> Head | None:
    """The head of the event in `line`; None where there is none."""
    try:
        return _HEAD.decode(line)
    except _BROKEN:
        return None


def all_heads(block: Block) -> tuple[Sequence[Head], Sequence[SupportsBytes]] | None:
    """The head of every line, and the lines, where each holds exactly one usual event; None where one may not.

    The decoder takes values, whatever stands between them. Where every line break stands between `}` and `{`, which
    can be in no value, there are as many values as lines only if each line is one.
    """
    view = memoryview(block.data)[block.start : block.end]
    lines = split(view, b"\n")  # in place, nothing is copied; the last is what follows the last line break
    if not regular(block, len(lines) - 1):
        return None
    try:
        heads = _USUAL.decode_lines(view)
    except _BROKEN:
        return None
    return (heads, lines) if len(heads) == len(lines) - 1 else None


def _table(rules: Rules) -> dict[str, dict[tuple[str, str], Rules]]:
    """Resource, then verb and subresource, to the rules that ask about them."""
    table: dict[str, dict[tuple[str, str], Rules]] = {}
    for rule in rules:
        for resource, _, sub in (name.partition("/") for name in rule.resources):
            row = table.setdefault(resource, {})
            for verb in rule.verbs:
                row[verb, sub] = (*row.get((verb, sub), ()), rule)
    return table


_BY_RESOURCE = _table(RULES)
_REFUSED, _ANONYMOUS, _IMPERSONATING, _POD_BOUND = (
    tuple(rule for rule in RULES if rule.gate is gate)
    for gate in (Gate.REFUSED, Gate.ANONYMOUS, Gate.IMPERSONATING, Gate.POD_BOUND)
)


def questions(heads: Iterable[Head]) -> Iterator[tuple[int, Rules]]:
    """The places of the events that rules ask about, with these rules: few of a log.

    One loop that calls nothing it need not: it runs for every event there is.
    """
    table, none = _BY_RESOURCE, _NONE
    for place, head in enumerate(heads):
        ref, user, status = head.objectRef, head.user, head.responseStatus
        asked = none
        if ref is not None and (row := table.get(ref.resource)):
            asked = row.get((head.verb, ref.subresource), none)
        if status is not None and status.code == 403:
            asked += _REFUSED
        if user is not None:
            if user.username == "system:anonymous":
                asked += _ANONYMOUS
            if user.extra is not None and user.extra.pod is not None:
                asked += _POD_BOUND
        if head.impersonatedUser is not None:
            asked += _IMPERSONATING
        if asked and head.stage != "RequestReceived":
            yield place, asked
