"""One gzip file on two cores: a process of its own unpacks what comes next while this one reads what came before."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import suppress
from fcntl import F_SETPIPE_SZ, fcntl
from multiprocessing.connection import Connection
from typing import BinaryIO

from irkit.audit.read.unpack import CHUNK, Torn, unpack


def ahead(file: BinaryIO) -> Iterator[bytes]:
    """What `unpack` gives, a MiB or less at a time. Raises Torn as it does.

    Forks, so no other thread may run.
    """
    fork = multiprocessing.get_context("fork")
    reader, writer = os.pipe()
    fcntl(writer, F_SETPIPE_SZ, CHUNK)
    result, say = fork.Pipe(duplex=False)
    process = fork.Process(target=_feed, args=(file, reader, writer, say), daemon=True)
    process.start()
    os.close(writer)
    say.close()
    try:
        while chunk := os.read(reader, CHUNK):
            yield chunk
        if why := _said(result):
            raise Torn(why)
    finally:
        os.close(reader)
        result.close()
        process.join()


def _said(result: Connection) -> str:
    """Why the unpacking stopped early; "" where it did not."""
    try:
        return str(result.recv())
    except EOFError:
        return "the process that unpacks it was killed"


def _feed(file: BinaryIO, reader: int, writer: int, say: Connection) -> None:
    """The other process. Nobody reads on where the pipe is closed at its other end: no error."""
    os.close(reader)
    why = ""
    try:
        for chunk in unpack(file):
            _write(writer, chunk)
    except (Torn, OSError) as error:
        why = str(error)
    os.close(writer)
    with suppress(BrokenPipeError):
        say.send(why)


def _write(pipe: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(pipe, left) :]
