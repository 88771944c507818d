"""Check a bundle offline, in one pass and constant memory, extracting nothing, and name every mismatch.

The rule is the same at every layer: rebuild what sealing would have written and compare. A bundle is one canonical
string of bytes, so that any change to it, down to a bit that no reader looks at, is a problem with a name. What this
cannot find is said in `irkit.bundle.seal`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from irkit import chain, digest, times
from irkit.bundle import frames, layout, tape
from irkit.bundle.attest import stamp, statement
from irkit.bundle.attest.keys import PublicKey
from irkit.errors import BundleError, VerificationError
from irkit.model.bundle import Problem, Verification

# Files that are read and not only hashed; 150,000 lines of a manifest.
_KEPT = (*layout.ORDER, layout.PAYLOAD + layout.COLLECTION)
_LONGEST = 32 << 20
_MOST_PROBLEMS = 1000


def verify(path: Path, *, keys: Sequence[PublicKey] = (), roots: Path | None = None) -> Verification:
    """What is wrong with the bundle at `path`; raises BundleError only where the file itself cannot be read.

    Each of `keys`, got from outside the bundle, must have signed it. Without keys a signature is only checked for
    damage, and the result says so. With `roots`, certificates of a time-stamping authority in PEM, the token beside
    the bundle must be valid.
    """
    read = _Read(path.name)
    try:
        with path.open("rb") as source:
            read.bundle(source)
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}") from error
    problems, custody = [*read.problems, *_contradictions(read)], _custody(read.kept.get(layout.CUSTODY))
    problems += [Problem(layout.CUSTODY, custody)] * (not custody.startswith("intact"))
    signature, faults = _signature(read, keys)
    problems += [Problem(layout.STATEMENT, fault) for fault in faults]
    timestamp, late = _timestamp(path, roots)
    problems += late
    told = tuple(problems[:_MOST_PROBLEMS])
    return Verification(not problems, len(read.payload), told, signature, custody, timestamp)


@dataclass(slots=True)
class _Read:
    """What one pass over a bundle saw."""

    file: str
    root: str = ""
    mtime: int = 0
    octets: int = 0
    payload: dict[str, str] = field(default_factory=dict)  # path -> SHA-256
    tags: dict[str, str] = field(default_factory=dict)  # path -> SHA-256
    kept: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    last: tuple[int, str] = (0, "")

    def report(self, path: str, problem: str) -> None:
        """Note a problem; past a thousand, only that there are more."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(path, problem))

    def bundle(self, source: BinaryIO) -> None:
        """Read `source` to its end, or to where nothing more can be made of it."""
        reel = tape.Tape(frames.decompress(source, lambda problem: self.report(self.file, problem)))
        try:
            for member in reel.members():
                self._member(member, reel.content())
        except BundleError as error:
            self.report(self.file, error.message)

    def _member(self, member: tape.Member, content: Iterator[bytes]) -> None:
        root, _, path = member.name.partition("/")
        self.root, self.mtime = self.root or root, self.mtime or member.mtime
        for problem in self._faults(member, root, path):
            self.report(path if root and root == self.root else member.name, problem)
        self.last = max(self.last, _rank(path))
        sha256 = self._content(path, member.size, content)
        if path.startswith(layout.PAYLOAD):
            self.payload[path] = sha256
            self.octets += member.size
        else:
            self.tags[path] = sha256

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
        if path in self.payload or path in self.tags:
            yield "stands in the bundle twice"
        elif _rank(path) < self.last:
            yield "out of order"
        if member.mtime != self.mtime:
            yield "its time differs from that of the other files"

    def _content(self, path: str, size: int, content: Iterator[bytes]) -> str:
        hasher, kept = hashlib.sha256(), bytearray()
        keep = path in _KEPT and size <= _LONGEST
        if path in _KEPT and not keep:
            self.report(path, f"larger than {_LONGEST >> 20} MiB: not read")
        for chunk in content:
            hasher.update(chunk)
            kept += chunk if keep else b""
        if keep:
            self.kept[path] = bytes(kept)
        return hasher.hexdigest()


def _rank(path: str) -> tuple[int, str]:
    """Where a path stands in a bundle: the payload by name, then the tag files."""
    return (layout.ORDER.index(path) + 1, "") if path in layout.ORDER else (0, path)


def _contradictions(read: _Read) -> Iterator[Problem]:
    """Where the parts of a bundle do not say the same."""
    yield from (Problem(path, "missing") for path in layout.TAGS if path not in read.tags)
    if read.kept.get(layout.BAGIT, layout.DECLARATION) != layout.DECLARATION:
        yield Problem(layout.BAGIT, "not the declaration of BagIt 1.0 in UTF-8")
    yield from _differences(layout.MANIFEST, read.kept.get(layout.MANIFEST), read.payload)
    covered = {path: sha256 for path, sha256 in read.tags.items() if path not in (layout.TAGMANIFEST, layout.STATEMENT)}
    yield from _differences(layout.TAGMANIFEST, read.kept.get(layout.TAGMANIFEST), covered)
    yield from _info(read)
    yield from _collected(read)


def _differences(name: str, text: bytes | None, present: dict[str, str]) -> Iterator[Problem]:
    """Where manifest `name` and the files present part ways; nothing for a manifest that is not there."""
    if text is None or text == layout.manifest(present):
        return
    listed = layout.manifest_entries(text)
    for path in sorted(listed.keys() | present.keys()):
        if path not in present:
            yield Problem(path, f"missing, though {name} lists it")
        elif path not in listed:
            yield Problem(path, f"not listed in {name}")
        elif listed[path] != present[path]:
            yield Problem(path, f"changed: its SHA-256 is not the one in {name}")
    if listed == present:
        yield Problem(name, "not in the form irkit writes: order, spacing or lines that say nothing")


def _info(read: _Read) -> Iterator[Problem]:
    """Where `bag-info.txt` and the rest part ways."""
    if layout.INFO not in read.kept:
        return
    fields = layout.info_fields(read.kept[layout.INFO])
    try:
        at = times.parse(fields.get("Sealed-At", ""))
    except ValueError:
        yield Problem(layout.INFO, "has no Sealed-At")
        return
    if int(at.timestamp()) != read.mtime:
        yield Problem(layout.INFO, "Sealed-At is not the time of the files")
    told = layout.told(read.root, at, read.octets, len(read.payload), read.kept.get(layout.CUSTODY, b""))
    yield from (
        Problem(layout.INFO, f"{label} is {fields.get(label)!r}, found {value!r}")
        for label, value in told.items()
        if fields.get(label) != value
    )


class _Taken(msgspec.Struct):
    path: str
    sha256: str


class _Collection(msgspec.Struct):
    artifacts: list[_Taken]


def _collected(read: _Read) -> Iterator[Problem]:
    """Where the payload is not what the collectors took."""
    name = layout.PAYLOAD + layout.COLLECTION
    if name not in read.kept:
        return
    try:
        taken = msgspec.json.decode(read.kept[name], type=_Collection).artifacts
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        yield Problem(name, "not a collection record")
        return
    for artifact in taken:
        found = read.payload.get(layout.PAYLOAD + artifact.path)
        if found != artifact.sha256:
            what = "missing, though it was collected" if found is None else "not as it was collected: SHA-256 differs"
            yield Problem(layout.PAYLOAD + artifact.path, what)


def _custody(text: bytes | None) -> str:
    if text is None:
        return "missing"
    try:
        entries = sum(1 for _ in chain.verify(layout.lines(text)))
    except VerificationError as error:
        return f"broken: {error.message}"
    return f"intact, {entries} entries, head sha256:{layout.head(text)}"


def _signature(read: _Read, keys: Sequence[PublicKey]) -> tuple[str, list[str]]:
    promised = layout.info_fields(read.kept.get(layout.INFO, b"")).get(layout.SIGNED_BY, "").split()
    text, sha256 = read.kept.get(layout.STATEMENT), read.tags.get(layout.TAGMANIFEST, "")
    return statement.examine(text, read.root, sha256, promised, keys)


def _timestamp(path: Path, roots: Path | None) -> tuple[str, list[Problem]]:
    if roots is None:
        return "not asked for", []
    token = stamp.beside(path)
    try:
        return times.rfc3339(stamp.stamped_at(digest.of_file(path).sha256, token, roots)), []
    except VerificationError as error:
        return "broken", [Problem(token.name, error.message)]
