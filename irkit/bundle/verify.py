"""Check a bundle offline, in one pass and constant memory, extracting nothing, and name every mismatch.

The rule is the same at every layer: rebuild what sealing would have written and compare. A bundle is one canonical
string of bytes, so that any change to it, down to a bit that no reader looks at, is a problem with a name. What this
cannot find is said in `irkit.bundle.seal`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from irkit import chain, digest
from irkit.bundle import layout
from irkit.bundle.attest import afterwards, countersign, stamp, statement
from irkit.bundle.attest.keys import PublicKey
from irkit.bundle.attest.statement import Found
from irkit.bundle.check.agree import contradictions
from irkit.bundle.check.walk import MOST_PROBLEMS, Read
from irkit.bundle.reader import describe, root
from irkit.errors import BundleError, VerificationError
from irkit.model.bundle import Bundle, Problem, Verification


def verify(path: Path, *, keys: Sequence[PublicKey] = (), roots: Path | None = None) -> Verification:
    """What is wrong with the bundle at `path`; raises BundleError only where a file itself cannot be read.

    Each of `keys`, got from outside the bundle, must have signed it: inside, or in a statement beside it. Without keys
    a signature is only checked for damage, and the result says so. With `roots`, certificates of a time-stamping
    authority in PEM, the token beside the bundle must be valid.
    """
    read = Read(path.name)
    try:
        with path.open("rb") as source:
            read.bundle(source)
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}", "the path of a sealed bundle, .tar.gz") from error
    problems, custody = [*read.problems, *_within(read)], _custody(read.kept.get(layout.CUSTODY))
    if custody.startswith("broken"):
        problems.append(Problem(layout.CUSTODY, custody))

    @cache
    def sha256() -> str:  # of the whole file: read once more only where something beside it speaks of it
        return digest.of_file(path).sha256

    signature, faults = _signature(path, read, keys, sha256)
    timestamp, late = stamp.examine(path, sha256, roots)
    later, broken = afterwards.examine(path, sha256)
    problems += faults + late + broken
    told = tuple(problems[:MOST_PROBLEMS])
    return Verification(not problems, len(read.payload), told, signature, custody + later, timestamp)


def intact(path: Path) -> tuple[Bundle, str]:
    """The bundle at `path` and the folder in it, of the very bytes that were verified; raises VerificationError."""
    before = _state(path)
    found = verify(path)
    if not found.ok:
        why = f"{found.problems[0].path}: {found.problems[0].problem}"
        raise VerificationError(f"{path} is not intact: {why}", f"irkit bundle verify {path}")
    told = describe(path), root(path)
    if _state(path) != before:
        raise VerificationError(f"{path} changed while it was read", "look who writes to it, and verify it again")
    return told


def _state(path: Path) -> tuple[int, ...]:
    """What no writer leaves as it was: the time of change is the kernel's to set."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _within(read: Read) -> Iterable[Problem]:
    """What is wrong inside; of a file that is no bundle at all, or one cut off in its first file, nothing more."""
    return contradictions(read) if read.root or not read.problems else ()


def _custody(text: bytes | None) -> str:
    if text is None:
        return "missing"
    try:
        entries = sum(1 for _ in chain.verify(layout.lines(text)))
    except VerificationError as error:
        return f"broken: {error.message}"
    return f"intact, {entries} entries, head sha256:{layout.head(text)}"


def _signature(
    path: Path, read: Read, keys: Sequence[PublicKey], sha256: Callable[[], str]
) -> tuple[str, list[Problem]]:
    promised = tuple(layout.info_fields(read.kept.get(layout.INFO, b"")).get(layout.SIGNED_BY, "").split())
    inside, found = read.kept.get(layout.STATEMENT), []
    if inside is not None:
        subject = statement.tagmanifest(read.root, read.tags.get(layout.TAGMANIFEST, ""))
        found = [Found(layout.STATEMENT, inside, subject, promised)]
    elif promised:
        return "broken", [Problem(layout.STATEMENT, f"missing, though {layout.INFO} names signers")]
    if countersign.files(path):
        found += countersign.beside(path, read.root, sha256())
    return statement.examine(found, keys)
