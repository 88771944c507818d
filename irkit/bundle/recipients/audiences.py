"""One bundle for two audiences: everybody reads it without its secrets, recipients open the originals.

A file in which nothing was hidden stands in clear as it was collected. Any other stands in clear with tokens in place
of secrets, and its original beside it as ciphertext, with the list of what was hidden where, and the key of the tokens.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from irkit import beside, digest
from irkit.bundle import layout
from irkit.bundle.layout import Sealed
from irkit.bundle.recipients import confide, copies, veil
from irkit.bundle.recipients.listed import Listed, Told
from irkit.bundle.redact.redactor import Redactor
from irkit.bundle.redact.secrets import Secrets, named
from irkit.bundle.seal import payload
from irkit.errors import BundleError
from irkit.model.codec import build, compact, plain

MAP = "redactions.jsonl"
WORTH = 64  # files; for fewer it does not pay to begin processes
T = TypeVar("T")
R = TypeVar("R")


def key(path: Path) -> bytes:
    """The redaction key of a case, made and kept at `path` for its owner alone the first time; raises BundleError."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            digest.create(made, os.urandom(32), 0o600)
            _publish(made, path)
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot keep the case's redaction key: {error.strerror}", f"look at {path}") from error


def _publish(made: Path, path: Path) -> None:
    try:
        digest.publish(made, path)
    except FileExistsError:  # another run of the case was faster: its key is the case's
        made.unlink()


@dataclass(slots=True)
class Audiences:
    """The two copies of the payload `data` being made in `staged`."""

    data: Path
    staged: Path
    recipients: Sequence[str]
    key: bytes = field(repr=False)
    sealed: list[Sealed] = field(default_factory=list)
    files: list[tuple[str, Path]] = field(init=False)  # path below `data`, file
    redactor: Redactor = field(init=False)

    def __post_init__(self) -> None:
        veil.recipients(self.recipients)
        self.files = [(name.removeprefix(layout.PAYLOAD), file) for name, file in payload(self.data)]
        self.redactor = _learned(self.files, self.key)

    def part(self, leave: Sequence[str]) -> list[Sealed]:
        """Make both copies of everything but the paths `leave`; returns what is sealed, the list of it included.

        What a crash has left makes room: nobody waited until the disk had it. Raises BundleError from the disk.
        """
        listed = self.staged.with_name(f"{self.staged.name}.{MAP}")
        try:
            if self.staged.exists():
                shutil.rmtree(self.staged)
            with Listed(listed) as notes:
                notes.write(compact({"key": self.key.hex()}) + b"\n")  # what made the tokens
                todo = [each for each in self.files if each[0] not in leave]
                for told, sealed in _spread(partial(self._made, notes), todo):
                    notes.gather(told)
                    self.sealed += sealed
            self.sealed.append(confide.confided(listed, MAP, self.staged, self.recipients))
            listed.unlink()
        except OSError as error:
            raise BundleError(f"cannot redact: {error.strerror}", "free some disk space") from error
        return self.sealed

    def _made(self, notes: Listed, item: tuple[str, Path]) -> tuple[Told, list[Sealed]]:
        """Make both copies of one file; where it is noted what was hidden, never what it was, and what was sealed."""
        path, file = item
        with notes.own() as note:
            shown = copies.shown(file, self.staged / path, lambda chunks: self.redactor.redact(path, chunks, note))
        if shown is None:
            return notes.told, []
        return notes.told, [replace(confide.confided(file, path, self.staged, self.recipients), shown=shown)]


def _spread(work: Callable[[T], R], todo: Sequence[T]) -> Iterator[R]:
    return map(work, todo) if len(todo) < WORTH else beside.shared(work, todo, len(todo))


def learned(data: Path, key: bytes) -> Redactor:
    """What hides every secret that the documents under `data` name, with tokens of the case's `key`."""
    return _learned(payload(data), key)


def _learned(files: Sequence[tuple[str, Path]], key: bytes) -> Redactor:
    secrets = Secrets(key)
    for found in _spread(_named, files):
        for secret in found:
            secrets.add(secret)
    return Redactor(secrets)


def _named(item: tuple[str, Path]) -> list[bytes]:
    path, file = item
    return list(named(path, digest.read(file)))


def scrubbed(noun: Any, redactor: Redactor) -> Any:  # noqa: ANN401 - a noun, or JSON of any shape
    """`noun` with no secret in any of its texts; one without secrets comes back as it was."""
    told = plain(noun)
    if redactor.finds_nothing(_texts(told)):
        return noun
    clean = _scrubbed(told, redactor)
    return noun if clean == told else clean if isinstance(noun, (dict, list)) else build(type(noun), clean)


def _texts(data: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    if isinstance(data, str):
        yield data
    elif isinstance(data, (dict, list, tuple)):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _texts(value)


def _scrubbed(data: Any, redactor: Redactor) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(data, str):
        return redactor.scrub(data)
    if isinstance(data, dict):
        return {name: _scrubbed(value, redactor) for name, value in data.items()}
    return [_scrubbed(value, redactor) for value in data] if isinstance(data, (list, tuple)) else data
