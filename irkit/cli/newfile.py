"""Files that a command makes, and never over another: they may hold what a person has written there since."""

from __future__ import annotations

from pathlib import Path

from irkit import digest
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
        raise UsageError(f"cannot write {path}: {error.strerror}", "name a place where there is room") from error


def _taken(path: Path) -> UsageError:
    return UsageError(f"{path} exists already", "it may hold a person's work: name another, then compare the two")
