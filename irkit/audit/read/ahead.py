"""One gzip file on two cores: a process of its own unpacks what comes next while this one reads what came before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from irkit import beside
from irkit.audit.read.unpack import CHUNK, Torn, unpack

_WHOLE = b"whole"


def ahead(file: BinaryIO) -> Iterator[bytes]:
    """What `unpack` gives, a MiB or less at a time. Raises Torn as it does.

    Forks, so no other thread may run.
    """
    (reader, writer), (hear, say) = beside.pipe(), beside.pipe()
    try:
        with beside.process(partial(_feed, file, reader, writer, say)):
            os.close(writer)
            os.close(say)
            while chunk := os.read(reader, CHUNK):
                yield chunk
            said = os.read(hear, CHUNK)
            if said != _WHOLE:
                raise Torn(said.decode() or "the process that unpacks it was killed")
    finally:
        os.close(reader)
        os.close(hear)


def _feed(file: BinaryIO, reader: int, writer: int, say: int) -> None:
    """The other process. Nobody reads on where the pipe is closed at its other end: no error."""
    os.close(reader)
    said = _WHOLE
    try:
        for chunk in unpack(file):
            _write(writer, chunk)
    except (Torn, OSError) as error:
        said = str(error).encode()
    os.close(writer)
    with suppress(BrokenPipeError):
        os.write(say, said)


def _write(pipe: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(pipe, left) :]
