"""Files that a command writes: whole or not at all, and over another only where that may hold no person's work."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import typer

from irkit import digest
from irkit.cli.face import Face
from irkit.errors import UsageError


def vacant(path: Path | None) -> None:
    """Raises UsageError where there is a file of that name: before the work, which may take an hour."""
    if path and path.exists():
        raise _taken(path)


def write_new(path: Path, text: bytes) -> None:
    """The whole file, or none. Raises UsageError where there is one already, or none can be."""
    try:
        digest.create(path, text)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise _unwritten(path, error) from error


def write_over(path: Path, text: bytes) -> None:
    """The whole file in the place of an older one, which is left as it was where that fails: then raises UsageError.

    What is no plain file, as `/dev/stdout`, is written into. A sealed bundle is evidence, and refused.
    """
    from irkit.bundle import frames

    try:
        if path.is_file() and frames.begins(next(digest.read(path), b"")):
            raise UsageError(f"{path} is a sealed bundle", "name another file")
        if path.exists() and not path.is_file():
            path.write_bytes(text)
        else:
            _replace(path.resolve(), text)
    except OSError as error:
        raise _unwritten(path, error) from error


def _replace(path: Path, text: bytes) -> None:
    part = path.with_name(f".irkit.{os.getpid()}")
    try:
        digest.create(part, text, path.stat().st_mode & 0o777 if path.exists() else 0o666)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def give(face: Face, text: bytes, out: Path | None, write: Callable[[Path, bytes], None] = write_over) -> None:
    """`text` as the file `out`, or on stdout; raises as `write`."""
    if out is None:
        typer.echo(text, nl=False)
        return
    write(out, text)
    face.note(f"wrote {out}", "good")


def _taken(path: Path) -> UsageError:
    return UsageError(f"{path} exists already", "it may hold a person's work: name another, then compare the two")


def _unwritten(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}", "name a place where there is room, and you may write")
