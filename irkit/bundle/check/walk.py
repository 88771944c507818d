"""One pass over a bundle: what stands in it, hashed, and whether each member is where and how irkit writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from irkit.bundle import frames, layout, tape
from irkit.errors import BundleError
from irkit.lanes import Sum, Sums
from irkit.model.bundle import Problem

# Files that are read and not only hashed; 150,000 lines of a manifest.
_KEPT = (*layout.ORDER, layout.PAYLOAD + layout.COLLECTION)
_LONGEST = 32 << 20
MOST_PROBLEMS = 1000


@dataclass(slots=True)
class Read:
    """What one pass over a bundle saw."""

    file: str
    root: str = ""
    mtime: int = 0
    octets: int = 0
    passed: dict[str, Sum] = field(default_factory=dict)
    payload: dict[str, str] = field(default_factory=dict)  # path -> SHA-256
    tags: dict[str, str] = field(default_factory=dict)  # path -> SHA-256
    kept: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    last: tuple[int, str] = (0, "")

    def report(self, path: str, problem: str) -> None:
        """Note a problem; past a thousand, only that there are more."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(path, problem))

    def bundle(self, source: BinaryIO) -> None:
        """Read `source` to its end, or to where nothing more can be made of it."""
        reel = tape.Tape(frames.decompress(source, lambda problem: self.report(self.file, problem)))
        with Sums() as sums:
            try:
                for member in reel.members():
                    self._member(member, reel.content(), sums)
            except BundleError as error:
                self.report(self.file, error.message)
            sums.finish()
        for path, found in self.passed.items():
            (self.payload if path.startswith(layout.PAYLOAD) else self.tags)[path] = found.sha256

    def _member(self, member: tape.Member, content: Iterator[bytes], sums: Sums) -> None:
        root, _, path = member.name.partition("/")
        self.root, self.mtime = self.root or root, self.mtime or member.mtime
        for problem in self._faults(member, root, path):
            self.report(path if root and root == self.root else member.name, problem)
        self.last = max(self.last, _rank(path))
        found = Sum()
        self._content(path, member.size, sums.passing(found, member.size, content))
        self.passed[path] = found
        if path.startswith(layout.PAYLOAD):
            self.octets += member.size

    def _faults(self, member: tape.Member, root: str, path: str) -> Iterator[str]:
        if member.kind:
            yield f"is {member.kind}, not a plain file"
        elif not member.sound:
            yield "its tar header is not as irkit writes it"
        if any(part in ("", ".", "..") for part in member.name.split("/")):
            yield "unsafe name"
        elif root != self.root:
            yield f"outside the bundle's folder {self.root}"
        elif not path.startswith(layout.PAYLOAD) and path not in layout.ORDER:
            yield "not part of a bundle"
        if path in self.passed:
            yield "stands in the bundle twice"
        elif _rank(path) < self.last:
            yield "out of order"
        if member.mtime != self.mtime:
            yield "its time differs from that of the other files"

    def _content(self, path: str, size: int, content: Iterator[bytes]) -> None:
        kept = bytearray()
        keep = path in _KEPT and size <= _LONGEST
        if path in _KEPT and not keep:
            self.report(path, f"larger than {_LONGEST >> 20} MiB: not read")
        for chunk in content:
            kept += chunk if keep else b""
        if keep:
            self.kept[path] = bytes(kept)


def _rank(path: str) -> tuple[int, str]:
    """Where a path stands in a bundle: the payload by name, then the tag files."""
    return (layout.ORDER.index(path) + 1, "") if path in layout.ORDER else (0, path)
