"""A block of lines judged whole gives what its lines give one by one, however their events are spelt."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.audit.detect.allow.entries import Allow
from irkit.audit.detect.heads import one_head, questions
from irkit.audit.detect.registry import BY_ID, RULES
from irkit.audit.detect.work import Watch, Watched
from irkit.audit.read.blocks import Block, blocks
from irkit.audit.read.event import decode
from irkit.audit.read.look import look
from irkit.audit.read.scan import Piece
from irkit.audit.read.window import Window
from irkit.model.evidence import Gap
from tests.audit.corpus import ROOT, needed
from tests.audit.detect.cases import ATTACKS, INNOCENT
from tests.audit.logs import Event

EVENTS = [one for cases in (ATTACKS, INNOCENT) for several in cases.values() for events in several for one in events]
BROKEN = (
    b"",
    b"torn",
    b'{"verb":"get"',
    b'"verb":"get"}',
    b"{}",
    b'{"verb":5}',
    b"[]",
    b'{"verb":"get"}{"verb":"get"}',
)
WORK = Watch(Allow(), Window())
ASKING = (
    "",
    "alice",
    "system:node:node1",
    "system:kube-scheduler",
    "system:bootstrap:abcdef",
    "system:serviceaccount:shop:web",
    "system:serviceaccount:kube-system:token-cleaner",
)


@pytest.mark.parametrize("username", ASKING)
def test_what_is_passed_over_by_its_head_fires_no_rule(username: str) -> None:
    for one in EVENTS:
        nameless = [] if one.get("verb") == "get" else [(one.get("objectRef") or {}) | {"name": ""}]
        for ref in (one.get("objectRef"), *nameless):
            line = json.dumps(one | {"user": one.get("user", {}) | {"username": username}, "objectRef": ref}).encode()
            event, head = decode(line), one_head(line)
            if event and head and event.stage != "RequestReceived":
                asked = {rule.id for _, rules in questions([head]) for rule in rules if rule.fires(event)}
                assert asked == {rule.id for rule in RULES if rule.asks(event) and rule.fires(event)}


def shuffled(found: Any, dice: random.Random) -> Any:  # noqa: ANN401 - JSON of any shape
    if not isinstance(found, dict):
        return found
    return {key: shuffled(found[key], dice) for key in dice.sample(list(found), len(found))}


def spelt(event: Event, dice: random.Random) -> bytes:
    """As the API server writes it, or with other order, spaces, escapes, keys twice: the last counts."""
    plain = json.dumps(event, separators=(",", ":"))
    match dice.randrange(6):
        case 0:
            return json.dumps(shuffled(event, dice)).encode()
        case 1:
            return (
                plain.replace("pod", "\\u0070od")
                .replace("secret", "s\\u0065cret")
                .replace("verb", "v\\u0065rb")
                .encode()
            )
        case 2:
            return (plain[:-1] + ',"verb":"watch","objectRef":{"resource":"leases"}}').encode()
        case 3:
            return (
                '{"verb":"watch","level":"None","objectRef":{"resource":"pods","subresource":"exec"},' + plain[1:]
            ).encode()
        case _:
            return plain.encode()


def sums(watched: Watched) -> tuple[object, ...]:
    tally = watched.tally
    counted = watched.levels, watched.blind, watched.allowed, watched.unreviewed
    return tally.findings(BY_ID), tally.dropped, tally.chains, watched.malformed, *map(dict, counted)


def agree(found: list[Block]) -> None:
    at_once, each = Watched(), Watched()
    for block in found:
        WORK.read(block, at_once)
        for _, line in block.lines():
            WORK.line(line, each)
    assert sums(at_once) == sums(each)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(EVENTS), max_size=12), st.booleans())
def test_however_events_are_spelt(dice: random.Random, events: list[Event], whole: bool) -> None:
    lines = [spelt(one, dice) for one in events] + [dice.choice(BROKEN)] * (not whole)
    data = dice.choice((b"\n", b"\n", b"\r\n", b"\n\n")).join(dice.sample(lines, len(lines))) + dice.choice(
        (b"\n", b"")
    )
    agree([Block(data, 0, len(data))])


@needed
@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.log")) + sorted(ROOT.rglob("*.jsonl")), ids=lambda path: path.name
)
def test_logs_of_others(path: Path) -> None:
    source = look(path, path.name)
    if not isinstance(source, Gap):
        piece = Piece(source, 0, source.size)
        agree(list(blocks(piece.source, piece.start, piece.end)))
