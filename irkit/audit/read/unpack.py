"""Gzip without trust: streamed, bounded, and what can be read of a damaged or cut file is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

from isal import isal_zlib

CHUNK = 1 << 20
RATIO = 200  # deflate of audit logs makes 10 to 40; its limit is 1,032
FREE = 64 << 20  # bytes that any gzip may unpack to, whatever its ratio
MAGIC = b"\x1f\x8b"
_Broken = cast(type[Exception], isal_zlib.error)  # its stubs say that the class is an instance


class Torn(Exception):
    """The rest of a source cannot be read; what came before stands. `args[0]` says why."""


def unpack(file: BinaryIO) -> Iterator[bytes]:
    """The plain bytes of a gzip file of one or more members, a MiB or less at a time.

    Raises Torn where the stream is damaged, ends early, or grows as no log does.
    """
    engine, inside, made = isal_zlib.decompressobj(wbits=31), False, 0
    while packed := file.read(CHUNK // 4):
        while packed:
            plain, inside = _inflate(engine, packed, file), True
            made += len(plain)
            if made > FREE and made > RATIO * file.tell():
                raise Torn(f"unpacks to more than {RATIO} times its size: not a log")
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
