"""Seal a folder of evidence into one `.tar.gz`: one pass, streamed, the same content for the same inputs.

What a seal without a signature proves: nothing in the bundle changed by accident or by a careless hand, as every
byte is covered by a hash, and the hashes by each other. What it cannot prove: that nobody unpacked the bundle,
changed it and sealed it anew with fresh hashes. Against that stands what is kept elsewhere: the SHA-256 of the whole
file in the run's journal and in the store's receipt, an object lock, a signature.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

from irkit import chain, digest
from irkit.bundle import frames, layout, tape
from irkit.bundle.attest import statement
from irkit.bundle.attest.keys import Signer
from irkit.digest import Digest
from irkit.errors import BundleError, VerificationError
from irkit.lanes import Sum, Sums
from irkit.model.bundle import Bundle


def seal(
    name: str,
    data: Path,
    out: Path,
    *,
    info: Mapping[str, str],
    custody: Iterable[Mapping[str, Any]],
    at: datetime,
    signers: Sequence[Signer] = (),
) -> Bundle:
    """Write `out/<name>.tar.gz` over the files under `data`; the bundle appears whole and fsynced, or not at all.

    `info` goes into `bag-info.txt` (labels without colons; one-line values), `custody` into the custody chain; every
    time in the archive is `at`, cut to the second; `signers` sign the whole. Sealing the same again gives the Bundle
    that is there. Raises BundleError for an empty folder, a file that is not plain, a file that changes meanwhile, a
    target with other content, and what the disk refuses.
    """
    bag = _Bag(name, data, dict(info), _log(custody), at, signers)
    target = out / f"{name}{layout.SUFFIX}"
    unnamed, part = (out / f"{name}{layout.SUFFIX}.sealing{more}" for more in ("", ".part"))
    try:
        with _alone(part):
            written = _publish(unnamed, target, digest.write(frames.compress(bag.tar()), unnamed))
    except OSError as error:
        raise BundleError(f"cannot seal {target}: {error.strerror}", _hint(error, data)) from error
    return Bundle(target, written.sha256, written.size, len(bag.passed))


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Nobody else writes `part` meanwhile: two that do make one damaged bundle. What is left of it goes.

    It is of no use to anybody, and may be what fills the disk.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as file:
        mine = False
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = digest.stands(file, part)
        if not mine:
            raise BundleError(f"another irkit is writing {part}", "wait for it, or seal under another name")
        try:
            yield
        finally:
            if digest.stands(file, part):
                part.unlink()


def _log(custody: Iterable[Mapping[str, Any]]) -> bytes:
    """The lines of the custody log, checked: records with a `seq` of their own may not fit together."""
    lines = list(chain.link(custody))
    try:
        deque(chain.verify(lines), maxlen=0)
    except VerificationError as error:
        raise BundleError(f"the custody records make no chain: {error.message}") from error
    return b"".join(lines)


def _publish(unnamed: Path, target: Path, written: Digest) -> Digest:
    """Give what was `written` its name; where a bundle of the same content bears it already, that one stays.

    Its bytes may be others: the compressor is not quite deterministic.
    """
    try:
        digest.publish(unnamed, target)
    except FileExistsError as error:
        try:
            known = digest.of_file(target)
            same = known.sha256 == written.sha256 or _same(unnamed, target)
        finally:
            unnamed.unlink()
        if not same:
            raise BundleError(
                f"{target} exists with other content and is kept", "move it away, or seal under another name"
            ) from error
        return known
    return written


def _same(*paths: Path) -> bool:
    def refuse(problem: str) -> None:
        raise BundleError(problem)

    with ExitStack() as stack:
        first, second = (frames.decompress(stack.enter_context(path.open("rb")), refuse) for path in paths)
        try:
            return all(one == other for one, other in zip_longest(first, second))
        except BundleError:  # what is no bundle, or damaged, is other content
            return False


def _hint(error: OSError, data: Path) -> str:
    kept = f"the evidence is kept in {data}"
    return f"free some disk space; {kept}" if error.errno in (errno.ENOSPC, errno.EDQUOT) else kept


@dataclass(slots=True)
class _Bag:
    """A bag on its way into a tar: `passed` fills with the payload; its sums are known before the manifest is due."""

    name: str
    data: Path
    given: dict[str, str]
    custody: bytes
    at: datetime
    signers: Sequence[Signer]
    sums: Sums = field(default_factory=Sums)
    passed: dict[str, Sum] = field(default_factory=dict)
    octets: int = 0
    written: int = 0

    def tar(self) -> Iterator[bytes]:
        """The whole archive."""
        for piece in self._members():
            self.written += len(piece)
            yield piece
        yield tape.footer(self.written)

    def _members(self) -> Iterator[bytes]:
        with self.sums:
            for path, file in payload(self.data):
                yield from self._payload_file(path, file)
            self.sums.finish()
        if not self.passed:
            raise BundleError(f"nothing to seal in {self.data}")
        for path, text in self._tags().items():
            yield self._header(path, len(text)) + text + tape.padding(len(text))

    def _payload_file(self, path: str, file: Path) -> Iterator[bytes]:
        size, found = file.stat().st_size, Sum()
        yield self._header(path, size)
        left = size
        for chunk in self.sums.passing(found, size, digest.read(file, frames.FRAME - self.written % frames.FRAME)):
            left -= len(chunk)
            yield chunk
        if left:
            raise BundleError(f"{file} changed while it was sealed", "seal again")
        yield tape.padding(size)
        self.passed[path] = found
        self.octets += size

    def _header(self, path: str, size: int) -> bytes:
        return tape.header(f"{self.name}/{path}", size, int(self.at.timestamp()))

    def _tags(self) -> dict[str, bytes]:
        told = layout.told(self.name, self.at, self.octets, len(self.passed), self.custody)
        if self.signers:
            told[layout.SIGNED_BY] = " ".join(signer.public.id for signer in self.signers)
        tags = {
            layout.BAGIT: layout.DECLARATION,
            layout.INFO: layout.info(self.given | told),
            layout.CUSTODY: self.custody,
            layout.MANIFEST: layout.manifest({path: found.sha256 for path, found in self.passed.items()}),
        }
        tags[layout.TAGMANIFEST] = layout.tag_manifest(tags)
        if self.signers:
            sha256 = digest.of_bytes(tags[layout.TAGMANIFEST])
            tags[layout.STATEMENT] = statement.sign(statement.tagmanifest(self.name, sha256), self.signers)
        return tags


def payload(data: Path) -> list[tuple[str, Path]]:
    """(path in the bag, file) of everything under `data`, sorted by path; raises BundleError for what is no file."""
    return sorted(_files(data, layout.PAYLOAD))


def _files(folder: Path | str, within: str) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, f"{within}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield within + entry.name, Path(entry.path)
            else:
                raise BundleError(f"not a plain file: {entry.path}", "only plain files can be evidence; remove it")
