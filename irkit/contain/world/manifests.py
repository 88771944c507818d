"""A world from a folder of manifests: YAML and JSON, many documents to a file, lists of objects, at any depth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from irkit.cluster.objects import entries
from irkit.cluster.protocol import Json
from irkit.contain.policy.nouns import World
from irkit.contain.world.objects import world
from irkit.errors import UsageError

SUFFIXES = (".yaml", ".yml", ".json")
MAX_BYTES = 64 << 20  # of one file


def load(folder: Path) -> World:
    """The world that the manifests in `folder` (or the one file) ask for.

    Documents that are no Kubernetes objects are passed over. Raises UsageError, naming the file, for one that cannot
    be read: an answer without a policy would be a wrong answer.
    """
    try:
        there = folder.exists()
    except OSError as error:
        raise UsageError(f"cannot read {folder}: {error.strerror}") from error
    if not there:
        raise UsageError(f"no such folder: {folder}", "name a folder with Kubernetes manifests")
    files = sorted(_files(folder)) if folder.is_dir() else [folder]
    try:
        return world((known for path in files for known in _objects(path)), live=False)
    except ValueError as error:
        raise UsageError(f"{folder}: {error}", "an API server would refuse it: correct or remove it") from error


def _files(folder: Path) -> Iterator[Path]:
    """The manifests below, through links too; a link to a folder that was read, or that it stands in, adds nothing."""
    seen = {folder.resolve()}
    for root, below, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        places = {name: Path(root, name).resolve() for name in sorted(below)}
        here = Path(root).resolve()
        below.clear()
        for name, place in places.items():
            if place not in seen and not here.is_relative_to(place):
                seen.add(place)
                below.append(name)
        yield from (path for name in names if (path := Path(root, name)).suffix in SUFFIXES)


def _unreadable(error: OSError) -> None:
    raise UsageError(f"cannot read {error.filename}: {error.strerror}", "leave it out of the folder") from error


def _objects(path: Path) -> Iterator[Json]:
    for document in _documents(path):
        if isinstance(document, dict):
            yield from _unpacked(document)


def _unpacked(document: Json) -> Iterator[Json]:
    """The objects of a list, each with the kind that a typed list (PodList) does not repeat."""
    kind = str(document.get("kind"))
    if not kind.endswith("List") or "items" not in document:
        yield document
        return
    for item in entries(document, "items"):
        yield {"kind": kind.removesuffix("List"), **item}


def _documents(path: Path) -> list[Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path} is larger than {MAX_BYTES >> 20} MiB", "leave it out of the folder")
        if path.suffix == ".json":
            import msgspec

            return [msgspec.json.decode(path.read_bytes())]
        return list(YAML(typ="safe", pure=True).load_all(path.read_text("utf-8")))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"{path} cannot be read: {reason}", "correct it, or leave it out of the folder") from error
