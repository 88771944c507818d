"""One gzip file on two cores: a process of its own unpacks what comes next while this one reads what came before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from io import FileIO
from typing import BinaryIO

from irkit import beside
from irkit.audit.read.unpack import CHUNK, Torn, unpack

_WHOLE = b"whole"


def ahead(file: BinaryIO) -> Iterator[bytes]:
    """What `unpack` gives, a MiB or less at a time; on this core where no process can be had. Raises Torn as it does.

    Forks, so no other thread may run.
    """
    with ExitStack() as ends:
        try:
            (reader, writer), (hear, say) = beside.pipe(ends), beside.pipe(ends)
            ends.enter_context(beside.process(partial(_feed, file, reader, writer, say)))
        except OSError:
            yield from unpack(file)
            return
        writer.close()
        say.close()
        while chunk := reader.read(CHUNK):
            yield chunk
        said = hear.read(CHUNK)
        if said != _WHOLE:
            raise Torn(said.decode() or "the process that unpacks it was killed")


def _feed(file: BinaryIO, reader: FileIO, writer: FileIO, say: FileIO) -> None:
    """The other process. Nobody reads on where the pipe is closed at its other end: no error."""
    reader.close()
    said = _WHOLE
    try:
        for chunk in unpack(file):
            _write(writer, chunk)
    except (Torn, OSError) as error:
        said = str(error).encode()
    writer.close()
    with suppress(BrokenPipeError):
        say.write(said)


def _write(pipe: FileIO, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[pipe.write(left) :]
