"""The tar layer: the standard library's `tarfile` writes every header, in PAX form, with nothing of this machine in it.

A member read back is sound when its header is, byte for byte, the one that would have been written for its name and
size: that single rule finds changed modes, owners, times, checksums, hidden PAX records and stray padding.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from irkit.errors import BundleError

BLOCK = tarfile.BLOCKSIZE
_PAX_LIMIT = 64 << 10  # bytes of a name; the longest path on Linux is 4 KiB

_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a pipe",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One entry as it stands in the tar."""

    name: str
    size: int  # bytes
    mtime: int  # Unix seconds
    kind: str = ""  # "" for a plain file; else what it is instead: "a symbolic link"
    sound: bool = True  # False: the header is not as irkit writes it


def header(name: str, size: int, mtime: int) -> bytes:
    """The header of a plain file: mode 0644, no owner, whole seconds. Raises BundleError for a name beyond UTF-8."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime, 0o644
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise BundleError(f"file name is not UTF-8: {name!r}", "rename it") from error
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def padding(size: int) -> bytes:
    """The zeros after `size` bytes of content."""
    return bytes(-size % BLOCK)


def footer(written: int) -> bytes:
    """The end of a tar of which `written` bytes are out: two empty blocks, then up to a whole record of 10 KiB."""
    return bytes(2 * BLOCK + -(written + 2 * BLOCK) % tarfile.RECORDSIZE)


class Tape:
    """A tar read once from front to back, `chunks` at a time; only the present chunk is in memory."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = b""
        self._at = 0
        self.position = 0
        self._end_of_member = 0

    def members(self) -> Iterator[Member]:
        """Every member in order; what the caller leaves of one is passed over.

        Raises BundleError where no header can be read, and when the end is not as irkit writes it.
        """
        while True:
            for _ in self.content():
                pass
            start = self.position
            block = self._exactly(BLOCK)
            if block == bytes(BLOCK):
                return self._check_end(start)
            member = self._member(block, start)
            self._end_of_member = self.position + (0 if member.kind else member.size)
            yield member

    def content(self) -> Iterator[bytes]:
        """What is left of the present member."""
        padded = -self._end_of_member % BLOCK
        while left := self._end_of_member - self.position:
            yield self._some(left) or self._exactly(left)
        if self._exactly(padded).strip(b"\0"):
            raise BundleError(f"padding before byte {self.position} of the tar is not empty")
        self._end_of_member = self.position

    def _member(self, block: bytes, start: int) -> Member:
        raw, records = block, {}
        if block[156:157] == tarfile.XHDTYPE:
            body = self._exactly(self._pax_size(block, start))
            block = self._exactly(BLOCK)
            raw, records = raw + body + block, _pax_records(body)
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            name, size = records.get("path", info.name), int(records.get("size", str(info.size)))
        except (tarfile.HeaderError, ValueError) as error:
            raise BundleError(f"not a tar header at byte {start} of the tar") from error
        if size < 0:
            raise BundleError(f"not a tar header at byte {start} of the tar")
        mtime = int(info.mtime)
        kind = "" if info.type == tarfile.REGTYPE else _KINDS.get(info.type, f"of type {info.type!r}")
        return Member(name, size, mtime, kind, not kind and _same(raw, name, size, mtime))

    def _pax_size(self, block: bytes, start: int) -> int:
        try:
            size = int(tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape").size)
        except tarfile.HeaderError as error:
            raise BundleError(f"not a tar header at byte {start} of the tar") from error
        if not 0 < size <= _PAX_LIMIT:
            raise BundleError(f"extended header of {size} bytes at byte {start} of the tar")
        return size + len(padding(size))

    def _check_end(self, start: int) -> None:
        rest = chain([bytes(BLOCK)], iter(lambda: self._some(BLOCK), b""))
        due = len(footer(start))
        for piece in rest:
            due -= len(piece)
            if due < 0 or piece.strip(b"\0"):
                raise BundleError(f"data after the end of the tar, at byte {start}")
        if due:
            raise BundleError("tar cut short: its end is missing")

    def _some(self, most: int) -> bytes:
        """At least one and at most `most` bytes; none at the end of the stream."""
        if self._at == len(self._held):
            self._held, self._at = next(self._chunks, b""), 0
        piece = self._held[self._at : self._at + most]
        self._at += len(piece)
        self.position += len(piece)
        return piece

    def _exactly(self, size: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            piece = self._some(size - len(pieces))
            if not piece:
                raise BundleError("tar cut short: its end is missing")
            pieces += piece
        return bytes(pieces)


def _same(raw: bytes, name: str, size: int, mtime: int) -> bool:
    try:
        return raw == header(name, size, mtime)
    except BundleError:
        return False


def _pax_records(body: bytes) -> dict[str, str]:
    """The records of a PAX header: length, space, key=value, newline; what is not one ends the reading."""
    records, rest = {}, body
    while (length := rest[:8].partition(b" ")[0]).isdigit() and 0 < int(length) <= len(rest):
        record = rest[len(length) + 1 : int(length) - 1]
        key, _, value = record.partition(b"=")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        rest = rest[int(length) :]
    return records
