"""How the files of a bundle are to be read: as one document, as a document a line, as text, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import chain
from pathlib import PurePosixPath

# Bytes of a document that is read as one; a longer one is read as text.
LARGEST = 32 << 20
_HEAD = 512
_PACKED = (
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"BZh",
    b"\x7fELF",
    b"\xff\xfe",
    b"\xfe\xff",
)
_AGE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


class Form(Enum):
    """What a file is."""

    DOCUMENT = "one JSON document"
    LINES = "a JSON document a line"
    TEXT = "text"
    SEALED = "encrypted already"
    WITHHELD = "nothing that can be looked into"


_BY_SUFFIX = {".json": Form.DOCUMENT, ".jsonl": Form.LINES, ".ndjson": Form.LINES}


def form(path: str, head: bytes) -> Form:
    """What the file at `path` in the bundle is, its first bytes being `head`."""
    name = PurePosixPath(path)
    if head.startswith(_AGE):
        return Form.SEALED
    if head.startswith(_PACKED) or head[257:262] == b"ustar" or name.name == "environ":
        return Form.WITHHELD
    return _BY_SUFFIX.get(name.suffix, Form.TEXT)


def opened(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all the chunks."""
    return gathered(chunks, _HEAD)


def gathered(chunks: Iterable[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first `size` bytes or a few more, and all the chunks again, those that made them as one."""
    source, held = iter(chunks), bytearray()
    while len(held) < size and (chunk := next(source, None)) is not None:
        held += chunk
    head = bytes(held)
    return head, chain([head] if head else [], source)


def lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, Iterator[bytes]]]:
    """(line with its end, nothing more) for each line; for one that is too long, (empty, all from there on)."""
    source, held = iter(chunks), b""
    for chunk in source:
        held += chunk
        *whole, held = held.splitlines(keepends=True) if b"\n" in chunk else [held]
        if held.endswith(b"\n"):
            whole, held = [*whole, held], b""
        for number, line in enumerate(whole):
            if len(line) > LARGEST:
                yield b"", chain(whole[number:], [held], source)
                return
            yield line, iter(())
        if len(held) > LARGEST:
            yield b"", chain([held], source)
            return
    if held:
        yield held, iter(())


def documents(path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The documents in a file, as far as they can be read as such; of any other file, nothing is read."""
    if PurePosixPath(path).suffix not in _BY_SUFFIX:
        return
    head, chunks = opened(chunks)
    match form(path, head):
        case Form.DOCUMENT:
            whole, _ = gathered(chunks, LARGEST + 1)
            yield from [whole] if len(whole) <= LARGEST else []
        case Form.LINES:
            yield from (line for line, _ in lines(chunks) if line)
        case Form.TEXT | Form.SEALED | Form.WITHHELD:
            return
