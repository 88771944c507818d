"""A file that grows, line by line, as deliveries of a source: Falco's own output, which nobody can fail to receive.

The file is read from its start at every start. The queue knows what it has seen, so no offset is kept that could be
lost, or be wrong after a rotation.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from irkit import times
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.intake import Answer

PAUSE = 1.0  # seconds between looks at a file that did not grow
MAX_LINE = 1 << 20
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tail:
    """Hands every line of the file at `path` to `keep` until `stopped` is set; one that is not kept is tried again."""

    source: str
    path: Path
    keep: Callable[[Delivery], Answer]
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Follow the file through rotations; one that is not there yet is waited for."""
        while not self.stopped.is_set():
            try:
                with self.path.open("rb") as file:
                    self._follow(file)
            except OSError as error:
                _LOG.warning("source %s: cannot read its file: %s", self.source, error.strerror)
                self.stopped.wait(PAUSE)

    def _follow(self, file: BinaryIO) -> None:
        """Until another file has the name, and all of this one is kept."""
        while not self.stopped.is_set():
            rotated = self._rotated(file)  # asked before reading: what was written until then is still read
            for line in _lines(file):
                if not self._kept(line):
                    return
            if rotated:
                return
            self.stopped.wait(PAUSE)

    def _kept(self, line: bytes) -> bool:
        """Whether the line is on disk; asked again until it is, or until the end."""
        while line.strip() and not self.stopped.is_set():
            if self.keep(Delivery(self.source, line.strip(), times.now())).status != 503:
                return True
            self.stopped.wait(PAUSE)
        return not self.stopped.is_set()

    def _rotated(self, file: BinaryIO) -> bool:
        """Whether the name belongs to another file now, or this one was cut."""
        here = os.fstat(file.fileno())
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return True
        return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino) or here.st_size < file.tell()


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines from here on; half a one is left for when the rest is there."""
    while line := file.readline(MAX_LINE + 1):
        if not line.endswith(b"\n") and len(line) <= MAX_LINE:
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line
