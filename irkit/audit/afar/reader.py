"""A worker's reader: opens the source that a unit names, makes sure that it is the one meant, and looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from irkit.audit.afar.unit import VERSION, Unit, mark
from irkit.audit.afar.wire import KINDS, LARGEST, decode, pack
from irkit.audit.read.remote.place import is_remote
from irkit.audit.read.scan import Piece
from irkit.audit.read.sources import Sources


class NotHere(Exception):
    """This worker cannot answer; another may."""


class Reader:
    """Keeps what it fetched for as long as units of the same source come."""

    def __init__(self) -> None:
        self._fetched: tuple[str, Sources] | None = None  # None: nothing

    def close(self) -> None:
        """Remove what was fetched."""
        if self._fetched:
            self._fetched[1].close()
            self._fetched = None

    def answer(self, body: bytes) -> bytes:
        """What one unit holds, packed. Raises NotHere, and ValueError for what is no unit."""
        unit = decode(Unit, body)
        if unit.version != VERSION:
            raise NotHere(f"it is irkit {VERSION}, asked by {unit.version}")
        work = decode(KINDS[unit.kind][0], bytes(unit.work))
        path = self._open(unit)
        _check(unit, path)
        found = work(Piece(replace(unit.source, path=path, ahead=False), unit.start, unit.end))
        _check(unit, path)  # it may have been replaced meanwhile
        packed = pack(found)
        if len(packed) > LARGEST:
            raise NotHere(f"one piece of it answers with more than {LARGEST >> 20} MiB: scan it where it lies")
        return packed

    def _open(self, unit: Unit) -> Path:
        if not is_remote(unit.name):
            return Path(unit.name)
        if self._fetched is None or self._fetched[0] != unit.name + unit.mark:
            self.close()
            self._fetched = unit.name + unit.mark, Sources([unit.name])
        fetched = self._fetched[1]
        found = next((source for source in fetched.readable if source.label == unit.name), None)
        if found is None:
            why = next((gap.detail for gap in fetched.gaps), "no such object")
            self.close()
            raise NotHere(f"cannot read {unit.name}: {why}")
        return found.path


def _check(unit: Unit, path: Path) -> None:
    try:
        same = mark(path, unit.source) == unit.mark
    except OSError as error:
        raise NotHere(f"cannot read {unit.name}: {error.strerror}") from error
    if not same:
        raise NotHere(f"has another file under the name {unit.name}")
