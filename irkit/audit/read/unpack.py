"""Gzip and Zstandard without trust: streamed, bounded; what can be read of a damaged or cut file is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from isal import isal_zlib

CHUNK = 1 << 20
RATIO = 200  # deflate of audit logs makes 10 to 40; its limit is 1,032
FREE = 64 << 20  # bytes that any file may unpack to, whatever its ratio
DENSE = 2000  # the same for Zstandard, which has no limit of its own
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_Broken = cast(type[Exception], isal_zlib.error)  # its stubs say that the class is an instance


class Torn(Exception):
    """The rest of a source cannot be read; what came before stands. `args[0]` says why."""


def is_packed(path: Path) -> bool:
    """Whether the file begins as a compressed one does."""
    with path.open("rb") as file:
        return file.read(len(ZSTD)).startswith((GZIP, ZSTD))


def unpack(file: BinaryIO) -> Iterator[bytes]:
    """The plain bytes of a compressed file of one or more members or frames, a MiB or less at a time.

    Raises Torn where the stream is damaged, ends early, or grows as no log does.
    """
    dense = file.read(len(ZSTD)) == ZSTD
    file.seek(0)
    limit, made = DENSE if dense else RATIO, 0
    for plain in _zstd(file) if dense else _gzip(file):
        made += len(plain)
        if made > FREE and made > limit * file.tell():
            raise Torn(f"unpacks to more than {limit} times its size: not a log")
        yield plain


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    engine, inside = isal_zlib.decompressobj(wbits=31), False
    while packed := file.read(CHUNK // 4):
        while packed:
            plain, inside = _inflate(engine, packed, file), True
            yield plain
            packed = engine.unconsumed_tail
            if engine.eof:
                # Members may be padded with zeros (RFC 1952 says nothing of it, gzip(1) allows it).
                packed, engine, inside = engine.unused_data.lstrip(b"\0"), isal_zlib.decompressobj(wbits=31), False
    if inside:
        raise Torn("the gzip stream ends early")


def _inflate(engine: isal_zlib.Decompress, packed: bytes, file: BinaryIO) -> bytes:
    try:
        return engine.decompress(packed, CHUNK)
    except _Broken as error:
        raise Torn(f"the gzip stream is damaged before byte {file.tell()}") from error


def _zstd(file: BinaryIO) -> Iterator[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    engine, inside = zstd.ZstdDecompressor(), False
    try:
        while packed := file.read(CHUNK // 4):
            while packed or (inside and not engine.needs_input):
                plain, packed, inside = engine.decompress(packed, CHUNK), b"", True
                yield plain
                if engine.eof:
                    packed, engine, inside = engine.unused_data, zstd.ZstdDecompressor(), False
    except zstd.ZstdError as error:
        # Damaged, or made with a window (--long) beyond the 128 MiB that an honest log never needs.
        raise Torn(f"the Zstandard stream cannot be read before byte {file.tell()}: {error}") from error
    if inside:
        raise Torn("the Zstandard stream ends early")
