"""A playbook's name to its file: a path, ./playbooks, the folders of IRKIT_PLAYBOOKS, then those that irkit ships."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from irkit.errors import UsageError
from irkit.playbook.language.yaml import MAX_BYTES
from irkit.playbook.schema import Pinned

# In a wheel they lie beside this module (pyproject.toml puts them there), in a checkout at its top.
_INSTALLED = Path(__file__).parent / "shipped"
SHIPPED = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "playbooks"
SUFFIXES = (".yaml", ".yml")


def folders(environ: Mapping[str, str] = os.environ, here: Path | None = None) -> tuple[Path, ...]:
    """Where playbooks are looked for, first match first. IRKIT_PLAYBOOKS is a list like PATH."""
    given = [Path(part) for part in environ.get("IRKIT_PLAYBOOKS", "").split(os.pathsep) if part]
    return ((here or Path()) / "playbooks", *given, SHIPPED)


def everything(where: tuple[Path, ...] | None = None) -> dict[str, Path]:
    """Every playbook by name, each the one that its name finds."""
    found: dict[str, Path] = {}
    for folder in folders() if where is None else where:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.suffix in SUFFIXES:
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find(name: str, where: tuple[Path, ...] | None = None) -> Path:
    """The file of the playbook called `name`, or at the path `name`; raises UsageError."""
    if "/" in name or name.endswith(SUFFIXES):
        return Path(name)
    known = everything(where)
    if name not in known:
        raise UsageError(f"no such playbook: {name}", f"the playbooks: {', '.join(known)}; or give a path")
    return known[name]


def read(path: Path) -> str:
    """The text of a file that people write for irkit; raises UsageError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text") from error


def load(name: str, where: tuple[Path, ...] | None = None) -> Pinned:
    """The playbook called `name`, or at the path `name`, pinned; raises UsageError with line and column."""
    from irkit.playbook.lint import parse

    path = find(name, where)
    return parse(read(path), str(path))


def summaries(where: tuple[Path, ...] | None = None) -> Iterator[tuple[str, Path, Pinned | UsageError]]:
    """Every playbook: its name, its file, and what it is or why it cannot be used."""
    for name, path in everything(where).items():
        try:
            yield name, path, load(str(path))
        except UsageError as error:
            yield name, path, error
