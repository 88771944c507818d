"""Gzip and Zstandard without trust: streamed, bounded; what can be read of a damaged or cut file is read.

UTF-16, in which PowerShell writes what a command prints, is one more packing: two bytes where the event has one.
"""

from __future__ import annotations

import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, cast

from isal import igzip_lib

CHUNK = 1 << 20
FREE = 64 << 20  # bytes that any file may unpack to, whatever its ratio
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)
_IsalError = cast(type[Exception], igzip_lib.IsalError)  # its stubs say that the class is an instance


class Torn(Exception):
    """The rest of a source cannot be read; what came before stands. `args[0]` says why."""


class _Engine(Protocol):
    """What unpacks one member or frame."""

    @property
    def eof(self) -> bool:
        """Whether it has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether all that was given is unpacked."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given beyond its end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """So many plain bytes or fewer."""
        ...


class _Form(NamedTuple):
    name: str
    engine: Callable[[], _Engine]
    broken: type[Exception]
    ratio: int  # by which an honest log is smaller at most
    padding: bytes = b""  # what may stand between two members


def is_packed(path: Path) -> bool:
    """Whether the file begins as a compressed one does, or one in UTF-16."""
    with path.open("rb") as file:
        return file.read(len(ZSTD)).startswith((GZIP, ZSTD, *UTF16))


def unpack(file: BinaryIO) -> Iterator[bytes]:
    """The plain bytes of a compressed file of one or more members or frames, a MiB or less at a time.

    Raises Torn where the stream is damaged, ends early, or grows as no log does.
    """
    begins = file.read(len(ZSTD))
    file.seek(0)
    yield from _narrowed(file) if begins.startswith(UTF16) else _inflated(file, _zstd() if begins == ZSTD else _gzip())


def _narrowed(file: BinaryIO) -> Iterator[bytes]:
    decoder = getincrementaldecoder("utf-16")("replace")
    while wide := file.read(CHUNK):
        yield decoder.decode(wide).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _inflated(file: BinaryIO, form: _Form) -> Iterator[bytes]:
    made = 0
    try:
        for plain in _plain(file, form):
            made += len(plain)
            if made > FREE and made > form.ratio * file.tell():
                raise Torn(f"unpacks to more than {form.ratio} times its size: not a log")
            yield plain
    except form.broken as error:
        raise Torn(f"the {form.name} stream cannot be read before byte {file.tell()}: {error}") from error


def _plain(file: BinaryIO, form: _Form) -> Iterator[bytes]:
    engine, inside = form.engine(), False
    while packed := file.read(CHUNK // 4):
        packed = packed if inside else packed.lstrip(form.padding)
        while packed or (inside and not engine.needs_input):
            plain, packed, inside = engine.decompress(packed, CHUNK), b"", True
            yield plain
            if engine.eof:
                packed, engine, inside = engine.unused_data.lstrip(form.padding), form.engine(), False
    if inside:
        raise Torn(f"the {form.name} stream ends early")


def _gzip() -> _Form:
    """ISA-L's own interface keeps what it has not yet unpacked; that of zlib would hand it back and forth."""

    def engine() -> _Engine:
        return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)

    # Deflate makes 10 to 40 of audit logs, 1,032 at most. Members may be padded with zeros (RFC 1952 says nothing of
    # it, gzip(1) allows it).
    return _Form("gzip", engine, _IsalError, 200, b"\0")


def _zstd() -> _Form:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    # It knows no limit of its own. A window (--long) beyond 128 MiB is refused, which an honest log never needs.
    return _Form("Zstandard", zstd.ZstdDecompressor, zstd.ZstdError, 2000)
