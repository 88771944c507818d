"""The gzip layer: a stream cut into frames of one MiB, each a gzip member of its own, as RFC 1952 allows.

Any gzip reads it as one file. Frames are compressed and decompressed on all cores, and each header carries, in an
extra field `IK`, the length and CRC-32 of its deflate data: so a reader finds the next frame without inflating this
one, and not even the unused bits at the end of a deflate stream can change unseen.

    offset 0   1f 8b 08 04 | mtime 0 | xfl 4 | os 255 | xlen 12 | "IK" | 8 | u32 length | u32 crc   (24 bytes)
           24  deflate data | u32 crc of the content | u32 size of the content

Every frame holds one MiB, the last one to one MiB. The compressor is ISA-L: zlib's level 1 does 90 MB/s a core where
this does 330, and leaves a tenth more (log lines); two cores of it are not enough for 300 MB/s.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, TypeVar, cast

from isal import igzip_lib, isal_zlib

from irkit.errors import BundleError

FRAME = 1 << 20
_FIXED = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x04\xff\x0c\x00IK\x08\x00"
_HEADER = struct.Struct(f"<{len(_FIXED)}sII")
_TRAILER = struct.Struct("<II")
# Deflate stores what it cannot shrink with 5 bytes for each 65,535; ISA-L uses smaller blocks. Above this, it is a lie.
_LONGEST = FRAME + (FRAME >> 6) + 64
# The stub calls it an instance.
_Broken = cast(type[Exception], isal_zlib.error)

In = TypeVar("In")
Out = TypeVar("Out")


def begins(head: bytes) -> bool:
    """Whether a file of irkit's begins so, however damaged it is further on."""
    return head.startswith(_FIXED)


def cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """`chunks` of any sizes as frames of one MiB; the last may be shorter. A chunk that is a frame is not copied."""
    held: list[bytes] = []
    room = FRAME
    for chunk in chunks:
        rest = chunk
        while len(rest) >= room:
            yield b"".join((*held, rest[:room]))
            rest, held, room = rest[room:], [], FRAME
        if rest:
            held.append(rest)
            room -= len(rest)
    if held:
        yield b"".join(held)


def compress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The gzip members for `chunks`, in order.

    The same content gives the same bytes on the same machine, but for one frame in some ten thousand, where ISA-L was
    seen to choose other matches (sealing one GiB again and again): whoever compares, compares content.
    """
    return _in_order(_deflate, cut(chunks))


def _deflate(content: bytes) -> bytes:
    packed = igzip_lib.compress(content, 1, igzip_lib.COMP_DEFLATE)
    head = _HEADER.pack(_FIXED, len(packed), isal_zlib.crc32(packed))
    return b"".join((head, packed, _TRAILER.pack(isal_zlib.crc32(content), len(content))))


def decompress(source: BinaryIO, damaged: Callable[[str], None]) -> Iterator[bytes]:
    """The content of the frames in `source`, one by one.

    A frame whose data is damaged is reported to `damaged`; where that returns, zeros take its place, so that what
    follows is still checked. Raises BundleError where the next frame cannot be found: cut short, bytes that are no
    frame.
    """
    for content, problem in _in_order(_inflate, _split(source)):
        if problem:
            damaged(problem)
        yield content


def _split(source: BinaryIO) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """(offset, header, deflate data, trailer) of each frame. Every frame but the last is a whole MiB."""
    offset, size = 0, FRAME
    while head := source.read(_HEADER.size):
        if offset and (size != FRAME or len(head) < _HEADER.size):
            raise BundleError(f"trailing data after the end of the gzip stream, at byte {offset}")
        fixed, length, _ = _HEADER.unpack(head.ljust(_HEADER.size, b"\0"))
        if fixed != _FIXED or length > _LONGEST:
            raise BundleError(f"not a gzip frame of irkit at byte {offset}: damaged, or packed again by another tool")
        packed, tail = source.read(length), source.read(_TRAILER.size)
        if len(tail) < _TRAILER.size:
            raise BundleError(f"gzip stream cut short in the frame at byte {offset}")
        size = _TRAILER.unpack(tail)[1]
        if not 0 < size <= FRAME:
            raise BundleError(f"gzip frame at byte {offset} has a wrong size")
        yield offset, head, packed, tail
        offset += len(head) + length + len(tail)


def _inflate(frame: tuple[int, bytes, bytes, bytes]) -> tuple[bytes, str]:
    offset, head, packed, tail = frame
    crc, size = _TRAILER.unpack(tail)
    try:
        inflater = isal_zlib.decompressobj(-15)
        content = inflater.decompress(packed, FRAME + 1)
        sound = inflater.eof and not inflater.unused_data and _HEADER.unpack(head)[2] == isal_zlib.crc32(packed)
    except _Broken:
        content, sound = b"", False
    if sound and len(content) == size and isal_zlib.crc32(content) == crc:
        return content, ""
    return bytes(size), f"gzip frame at byte {offset} is damaged"


def _in_order(work: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
    """`work` on every item, on all cores, results in order; holds at most four items a core."""
    cores = os.cpu_count() or 1
    waiting: deque[Future[Out]] = deque()
    pool, whole = ThreadPoolExecutor(cores, thread_name_prefix="frames"), False
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 4 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        whole = True
    finally:
        # Whoever breaks off may be the garbage collector, within a thread that holds what ours need to come to an end.
        pool.shutdown(wait=whole, cancel_futures=True)
