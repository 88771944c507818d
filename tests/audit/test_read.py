from __future__ import annotations

import errno
import gzip
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.json import encode

from irkit.audit.detect.detect import detect
from irkit.audit.detect.heads import all_heads, apart, one_head
from irkit.audit.read import blocks as reading
from irkit.audit.read import scan
from irkit.audit.read.ahead import ahead
from irkit.audit.read.blocks import Block, Source, blocks
from irkit.audit.read.event import Event
from irkit.audit.read.scan import Needle, census, hits, plausible
from irkit.audit.read.unpack import Torn, unpack
from irkit.audit.search import search
from tests.audit.logs import TARGET, event, line, log
from tests.processes import children, open_files

BITS = [
    b"{",
    b"}",
    b'"',
    b"\n",
    b"\r\n",
    b"\v",
    b"\f\n",
    b"\n\n",
    b" ",
    b"ab",
    b'{"verb":"get"}',
    b'{"verb":"get","objectRef":{"name":"a","resource":"pods"}}',
    b'{"verb":"get"}\n',
    b'{"verb":\n"get"}',
]
texts = st.sampled_from([b"ab", b"get", b"}", b'"verb"'])
pile = st.lists(st.sampled_from(BITS), max_size=30).map(b"".join)
SMALL = settings(max_examples=200)


def lines(data: bytes) -> list[tuple[int, bytes]]:
    """What is to be found, the slow way."""
    found, at = [], 0
    for one in data.split(b"\n"):
        if one.strip():
            found.append((at, one.strip()))
        at += len(one) + 1
    return found


@SMALL
@given(data=pile, step=st.integers(1, 40), chunk=st.integers(1, 9))
def test_ranges_hold_every_line_once(tmp_path: Path, data: bytes, step: int, chunk: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    source = Source(path, "log", len(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "CHUNK", chunk)
        ranges = [(start, min(start + step, len(data))) for start in range(0, len(data), step)]
        found = [one for edges in ranges for block in blocks(source, *edges) for one in block.lines()]
    assert found == lines(data)


def test_a_line_without_end_costs_no_line_behind_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", 16)
    monkeypatch.setattr(reading, "LINE", 64)
    path = tmp_path / "log"
    path.write_bytes(b"a" * 1000 + b"\nbehind\n")
    found = [one for block in blocks(Source(path, "log", 1008)) for one in block.lines()]
    assert found == [(0, b"a" * 64), (1001, b"behind")]


@pytest.mark.parametrize("name", ["audit.log", "audit.log.gz"])
def test_a_byte_order_mark_costs_no_event(tmp_path: Path, name: str) -> None:
    path = log(tmp_path / name, [b"\xef\xbb\xbf", event(sub="exec"), event(seconds=20)])
    report = detect([str(path)])
    assert (report.events, report.coverage.malformed, len(report.findings)) == (2, 0, 1)
    assert [match.source for match in search([str(path)], TARGET)] == [
        f"{path}:3",
        f"{path}:{3 + len(line(event(sub='exec')))}",
    ]


def test_a_log_cut_while_it_is_read_is_torn(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [event(seconds=number) for number in range(9)])
    source = Source(path, "audit.log", path.stat().st_size)
    path.write_bytes(line(event()))
    with pytest.raises(Torn, match="shorter"):
        list(blocks(source))


@SMALL
@given(pile, st.lists(st.builds(Needle, texts, st.just(b"") | texts), max_size=3))
def test_hits_and_census_are_what_looking_at_each_line_gives(data: bytes, needles: list[Needle]) -> None:
    block, whole = Block(data, 0, len(data), 100), lines(data)
    assert hits(block, needles) == [
        (100 + at, one) for at, one in whole if any(needle.text in one and needle.beside in one for needle in needles)
    ]
    good = sum(plausible(one) for _, one in whole)
    assert census(block) == (good, len(whole) - good)


@SMALL
@given(pile)
def test_heads_of_all_lines_at_once_are_those_of_each(data: bytes) -> None:
    each = [encode(one_head(one)) for _, one in lines(data)]
    block = Block(data, 0, len(data))
    if heads := all_heads(block):
        assert [encode(head) for head in heads] == each
        assert [bytes(one).strip() for one in apart(block) if bytes(one).strip()] == [one for _, one in lines(data)]


def test_a_verb_that_no_api_server_writes_is_read_line_by_line() -> None:
    data = b'{"verb":"brew"}\n'
    assert all_heads(Block(data, 0, len(data))) is None
    head = one_head(data)
    assert head
    assert head.verb == "brew"


def test_a_regular_block_is_read_at_once() -> None:
    data = b'{"verb":"get"}\n' * 3
    assert len(all_heads(Block(data, 0, len(data))) or ()) == 3
    torn = b'{"verb":"get"}{"verb":\n"get"}\n'
    assert all_heads(Block(torn, 0, len(torn))) is None


PACKED = gzip.compress(b"".join(line(event(seconds=number)) for number in range(5000)), 1)


@pytest.mark.parametrize(
    "data", [PACKED, PACKED * 2, PACKED[: len(PACKED) // 2], PACKED[:99] + b"\xff" * 50 + PACKED[149:]]
)
def test_unpacking_ahead_gives_what_unpacking_gives(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "log.gz").write_bytes(data)
    told: list[tuple[bytes, str]] = []
    for way in (unpack, ahead):
        plain, why = b"", ""
        with (tmp_path / "log.gz").open("rb") as file:
            try:
                for chunk in way(file):
                    plain += chunk
            except Torn as error:
                why = str(error)
        told.append((plain, why))
    assert told[0] == told[1]


def test_unpacking_ahead_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "log.gz").write_bytes(PACKED)
    before = children()
    with (tmp_path / "log.gz").open("rb") as file:
        chunks = ahead(file)
        assert next(chunks)
        assert children() > before
        chunks.close()  # type: ignore[attr-defined]
    assert children() == before


@pytest.mark.parametrize("missing", ["fork", "pipe"])
def test_where_no_process_can_be_had_it_is_unpacked_here_and_no_file_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    def none() -> None:
        raise OSError(errno.EAGAIN, "none to be had")

    (tmp_path / "log.gz").write_bytes(PACKED)
    before = open_files()
    monkeypatch.setattr(os, missing, none)
    with (tmp_path / "log.gz").open("rb") as file:
        assert b"".join(ahead(file)) == gzip.decompress(PACKED)
    assert open_files() == before


def test_a_killed_unpacker_is_no_clean_end(tmp_path: Path) -> None:
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"x" * (32 << 20)))
    before = children()
    with (tmp_path / "log.gz").open("rb") as file:
        chunks = ahead(file)
        assert next(chunks)
        os.kill((children() - before).pop(), signal.SIGKILL)
        with pytest.raises(Torn, match="killed"):
            list(chunks)


@pytest.mark.parametrize("name", ["audit.log", "audit.log.gz"])
def test_one_process_or_several_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    events = [event("get", sub="exec", seconds=number, user=f"user-{number % 7}") for number in range(500)]
    path = str(log(tmp_path / name, [*events[:100], b"torn\n", *events[100:]]))
    alone = detect([path]), list(search([path], TARGET))
    monkeypatch.setattr(scan, "PIECE", 20_011)
    monkeypatch.setattr(scan, "WORTH", 0)
    monkeypatch.setattr(scan, "WORTH_PACKED", 0)
    assert (detect([path]), list(search([path], TARGET))) == alone
    assert len(alone[1]) == 500
    assert alone[0].coverage.malformed == 1


@pytest.mark.parametrize(
    ("query", "command"),
    [
        ("command=sh&command=-c&command=cat+%2Fetc%2Fpasswd&container=web", "sh -c cat /etc/passwd"),
        ("c%6fmman%64=id", "id"),
        ("%63%6f%6d%6d%61%6e%64=id&command=", "id"),
        ("container=web", ""),
        ("", ""),
        ("command=id#command=whoami", "id"),
        ("command=%C3", "\ufffd"),
    ],
)
def test_the_command_of_an_exec(query: str, command: str) -> None:
    for host in ("", "//[bad"):
        assert Event("get", requestURI=f"{host}/api/v1/namespaces/shop/pods/web/exec?{query}").command == command


@pytest.mark.parametrize("one", ["%", "%61", "a&command=", "+"])
def test_of_a_command_without_end_the_beginning_is_told_and_that_there_was_more(one: str) -> None:
    told = Event("get", requestURI="/exec?command=" + one * 300_000).command
    assert told.endswith(" ...") and 5000 < len(told) < 20_000


def test_no_padding_hides_a_command() -> None:
    assert Event("get", requestURI="/exec?" + "x=%61&" * 100_000 + "command=id").command == "id"
