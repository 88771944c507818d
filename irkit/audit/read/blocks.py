"""The bytes of one source in blocks that hold whole lines, small enough to stay in a processor's cache while searched.

Nothing here trusts a file: a line may never end, a document may be no JSON. Files are read, never mapped: one that is
cut meanwhile (copytruncate) would kill a process that has it mapped.
"""

from __future__ import annotations

import json
import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from io import FileIO
from pathlib import Path

from irkit.audit.read.event import whole
from irkit.audit.read.foreign.shapes import expand, legible
from irkit.audit.read.unpack import CHUNK, Torn, unpack

LINE = 64 << 20  # bytes; the longest line believed, six times what the API server's own webhook cap lets through
DOCUMENT = 256 << 20  # bytes; the largest JSON document read whole
BLANK = b" \t\n\r\f\v\0"  # NUL: what a loss of power leaves in a file where lines had not reached the disk


class Form(Enum):
    """How events lie in a source."""

    NATIVE = auto()  # one event a line, as the API server writes
    WRAPPED = auto()  # one JSON text a line, events somewhere inside
    DOCUMENT = auto()  # JSON texts that span lines


@dataclass(frozen=True, slots=True)
class Source:
    """One readable audit log."""

    path: Path
    label: str  # as the user named it; "-" for standard input
    size: int  # bytes when it was looked at: what is appended later is not read
    form: Form = Form.NATIVE
    packed: bool = False  # gzip or Zstandard
    ahead: bool = False  # unpack it in a process of its own


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: `data[start:end]`; `base` added to a position gives the offset in the (unpacked) source."""

    data: bytes
    start: int
    end: int
    base: int = 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line that is not blank, without its newline, with its offset in the source; cut at `LINE`."""
        at = self.start
        while at < self.end:
            stop = self.data.find(b"\n", at, self.end)
            stop = self.end if stop < 0 else stop
            if line := self.line(at, stop):
                yield self.base + at, line
            at = stop + 1

    def line(self, first: int, stop: int) -> bytes:
        """The line that stands there, cut at `LINE`, without what is blank around it."""
        return self.data[first : min(stop, first + LINE)].strip(BLANK)


def blocks(source: Source, start: int = 0, end: int | None = None) -> Iterator[Block]:
    """The lines of `source` that begin in [start, end); a range is for plain native files only.

    Raises OSError, and Torn where the rest cannot be read.
    """
    with source.path.open("rb", buffering=0) as file:
        if source.form is Form.DOCUMENT:
            yield from _unwrapped(_texts(b"".join(_capped(_chunks(source, file)))))
            return
        ranged = _ranged(file, start, min(end or source.size, source.size))
        lines = _streamed(_chunks(source, file)) if source.packed else ranged
        if source.form is Form.WRAPPED:
            yield from _unwrapped(text for block in lines for text in block.lines())
        else:
            yield from lines


def _chunks(source: Source, file: FileIO) -> Iterator[bytes]:
    if not source.packed:
        return iter(lambda: file.read(CHUNK), b"")
    if not source.ahead:
        return unpack(file)
    from irkit.audit.read.ahead import ahead  # the means to start a process cost a small search more than the search

    return ahead(file)


def _ranged(file: FileIO, start: int, end: int) -> Iterator[Block]:
    """The lines that begin in [start, end). What is left of a line at the end of a block is read again, not copied."""
    at, size = _line_from(file, start), CHUNK
    while at < end:
        data = os.pread(file.fileno(), size, at)
        if not data:
            raise Torn("the file became shorter while it was read")
        last = data.find(b"\n", end - at - 1) if end - at <= len(data) else data.rfind(b"\n")
        if last < 0 and len(data) == size < LINE:
            size = min(4 * size, LINE)
            continue
        stop = last + 1 or len(data)
        yield Block(data, _begin(data, at), stop, at)
        at = at + stop if last >= 0 else _line_from(file, at + stop)
        size = CHUNK


def _line_from(file: FileIO, position: int) -> int:
    """Where the first line begins that begins at `position` or later; the end where there is none."""
    at = position - 1
    while at >= 0 and (data := os.pread(file.fileno(), CHUNK, at)):
        if (found := data.find(b"\n")) >= 0:
            return at + found + 1
        at += len(data)
    return max(at, 0)


def _streamed(chunks: Iterable[bytes]) -> Iterator[Block]:
    rest, base = b"", 0
    for chunk in chunks:
        data = rest + chunk
        cut = data.rfind(b"\n", len(rest)) + 1
        if cut:
            yield Block(data, _begin(data, base), cut, base)
        base, rest = base + cut, data[cut:]
        if len(rest) > LINE:
            raise Torn(f"a line is longer than {LINE >> 20} MiB")
    if rest:
        yield Block(rest, _begin(rest, base), len(rest), base)


def _begin(data: bytes, base: int) -> int:
    """Behind the byte order mark that Windows puts before a text."""
    return len(BOM_UTF8) if not base and data.startswith(BOM_UTF8) else 0


def _unwrapped(texts: Iterable[tuple[int, bytes]]) -> Iterator[Block]:
    for offset, text in texts:
        at, events = 0, expand(text)
        if not events and not legible(text):
            yield Block(torn := text.replace(b"\n", b" "), 0, len(torn), offset)  # to be counted
        for event in events:
            at = max(at, text.find(event, at))
            yield Block(event, 0, len(event), offset + at)


def _capped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > DOCUMENT:
            raise Torn(f"a JSON document larger than {DOCUMENT >> 20} MiB")
        yield chunk


def _texts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The JSON texts of `data` with their offsets: all of it, or objects one after another as jq prints them."""
    if whole(data) is not None:
        yield 0, data
        return
    at = 0
    while at < len(data):
        stop = data.find(b"\n}\n", at)
        stop = len(data) if stop < 0 else stop + 3
        yield from _joined(data[at:stop], at)
        at = stop


def _joined(data: bytes, base: int) -> Iterator[tuple[int, bytes]]:
    """The JSON texts of `data`, also where one follows another without a line break, as Firehose writes them."""
    if whole(data) is not None:
        yield base, data
        return
    # Every byte is one character of Latin-1, so that positions are offsets.
    text, at, parse = data.decode("latin-1"), 0, json.JSONDecoder().raw_decode
    while (at := text.find("{", at)) >= 0:
        try:
            _, stop = parse(text, at)
        except (ValueError, RecursionError):
            yield base + at, data[at:]
            return
        yield base + at, data[at:stop]
        at = stop
