"""The least of each event that tells whether any rule asks about it: parsing no more is what makes detection fast."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, SupportsBytes

import msgspec
from stringzilla import count, split

from irkit.audit.detect.kept.glance import Use
from irkit.audit.detect.registry import RULES
from irkit.audit.detect.rule import Gate, Rule
from irkit.audit.read.blocks import Block
from irkit.audit.read.event import BROKEN, NULL, POD_UID, read, whole
from irkit.audit.read.scan import regular

Rules = tuple[Rule, ...]
_NONE: Rules = ()
_NOTHING: Mapping[str, Any] = {}


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


class Head(msgspec.Struct, gc=False, kw_only=True):
    """Of an event, what the gates and the table below ask for, in the order in which API servers write it."""

    level: str = ""
    stage: str = ""
    verb: str
    user: _User | None = None
    impersonatedUser: _Somebody | None = None
    sourceIPs: msgspec.Raw = NULL
    objectRef: _Ref | None = None
    responseStatus: _Status | None = None

    @property
    def bearer(self) -> str:
        """See `Asker`."""
        pod = self.user.extra.pod if self.user and self.user.extra else None
        return pod[0] if pod else ""

    @property
    def address(self) -> str:
        """See `Asker`."""
        addresses = whole(self.sourceIPs)
        last = addresses[-1] if isinstance(addresses, list) and addresses else ""
        return last if isinstance(last, str) else ""

    @property
    def use(self) -> Use:
        """For comparison alone, so nothing is parsed."""
        return self.bearer, bytes(self.sourceIPs)


class _Usual(Head, gc=False, kw_only=True):
    """The same with the texts that API servers write, which are not made anew for each event; others are refused."""

    level: Literal["", "None", "Metadata", "Request", "RequestResponse"] = ""
    stage: Literal["", "RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] = ""
    verb: Literal[
        "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "post", "put", "head"
    ]


_HEAD = msgspec.json.Decoder(Head)
_USUAL = msgspec.json.Decoder(_Usual)


def one_head(line: bytes) -> Head | None:
    """The head of the event in `line`; None where there is none."""
    return read(_HEAD, line)


def all_heads(block: Block) -> Sequence[Head] | None:
    """The head of every line, where each holds exactly one usual event; None where one may not.

    The decoder takes values, whatever stands between them. Where every line break stands between `}` and `{`, which
    can be in no value, there are as many values as lines only if each line is one.
    """
    lines = count(block.data, b"\n", block.start, block.end)
    if not regular(block, lines):
        return None
    try:
        heads = _USUAL.decode_lines(memoryview(block.data)[block.start : block.end])
    except BROKEN:
        return None
    return heads if len(heads) == lines else None


def apart(block: Block) -> Sequence[SupportsBytes]:
    """The lines, in place: nothing is copied. The last is what follows the last line break."""
    lines: Sequence[SupportsBytes] = split(memoryview(block.data)[block.start : block.end], b"\n")
    return lines


def _table(rules: Rules) -> dict[str, dict[str, dict[str, Rules]]]:
    """Verb, resource and subresource, one after another, to the rules that ask about them."""
    table: dict[str, dict[str, dict[str, Rules]]] = {}
    for rule in rules:
        for resource, _, sub in (name.partition("/") for name in rule.resources):
            for verb in rule.verbs:
                row = table.setdefault(verb, {}).setdefault(resource, {})
                row[sub] = (*row.get(sub, ()), rule)
    return table


_TABLE = _table(RULES)
_REFUSED, _ANONYMOUS, _IMPERSONATING, _POD_BOUND = (
    tuple(rule for rule in RULES if rule.gate is gate)
    for gate in (Gate.REFUSED, Gate.ANONYMOUS, Gate.IMPERSONATING, Gate.POD_BOUND)
)


def questions(heads: Iterable[Head], settled: Container[Use] = ()) -> Iterator[tuple[int, Rules]]:
    """The places of the events that rules ask about and may heed, with these rules: few of most logs.

    About a use of a credential that is `settled` no rule asks. One loop that calls nothing it need not: it runs for
    every event there is.
    """
    table, heeding, nothing, none = _TABLE, _heeding, _NOTHING, _NONE
    for place, head in enumerate(heads):
        ref, user, status = head.objectRef, head.user, head.responseStatus
        asked, row = none, table.get(head.verb, nothing)
        if ref is not None and ref.resource in row and ref.subresource in row[ref.resource]:
            asked = heeding(head.verb, ref.resource, ref.subresource, user.username if user else "")
        if status is not None and status.code == 403:
            asked += _REFUSED
        if user is not None:
            if user.username == "system:anonymous":
                asked += _ANONYMOUS
            if user.extra is not None and user.extra.pod is not None and head.use not in settled:
                asked += _POD_BOUND
        if head.impersonatedUser is not None:
            asked += _IMPERSONATING
        if asked and head.stage != "RequestReceived":
            yield place, asked


@lru_cache(4096)
def _heeding(verb: str, resource: str, sub: str, username: str) -> Rules:
    """The rules that ask about such events and heed this one; a rule that needs bodies confesses what it cannot see.

    What is asked for by `get` has a name; of other requests only the whole event tells.
    """
    named = (True,) if verb == "get" else (True, False)
    asked = _TABLE[verb][resource][sub]
    return tuple(rule for rule in asked if rule.body or any(rule.heeds(username, one) for one in named))
