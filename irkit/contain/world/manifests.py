"""A world from manifests: YAML and JSON, many documents to a file, lists of objects, from a folder at any depth."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from irkit.cluster.objects import entries
from irkit.cluster.protocol import Json
from irkit.contain.policy.nouns import World
from irkit.contain.world.kinds import counts
from irkit.contain.world.objects import world
from irkit.errors import UsageError

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = Path("-")
MAX_BYTES = 64 << 20  # of one file
RENDER = "render it first: helm template CHART | irkit reach --manifests -"


def load(place: Path) -> World:
    """The world that the manifests in a folder, in the one file, or on standard input (`STDIN`) ask for.

    Documents that are no Kubernetes objects are passed over. Raises UsageError, naming the file, for one that cannot
    be read, as an answer without a policy would be a wrong answer; and where there is no manifest at all.
    """
    where = "standard input" if place == STDIN else str(place)
    listed = [known for document in _documents(place, where) for known in _objects(document)]
    if not any(map(counts, listed)):
        raise UsageError(
            f"no pod, workload or network policy in {where}", "name Kubernetes manifests: of a chart what it renders"
        )
    try:
        return world(listed, live=False)
    except ValueError as error:
        raise UsageError(f"{where}: {error}", "an API server would refuse it: correct or remove it") from error


def _documents(place: Path, where: str) -> Iterator[Any]:
    if place == STDIN:
        yield from _parsed(sys.stdin.buffer, where)
        return
    for path in _files(place):
        try:
            with path.open("rb") as file:
                yield from _parsed(file, str(path))
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _files(place: Path) -> list[Path]:
    try:
        there = place.exists()
    except OSError as error:
        raise UsageError(f"cannot read {place}: {error.strerror}") from error
    if not there:
        raise UsageError(f"no such folder: {place}", "name a folder with Kubernetes manifests")
    return sorted(_below(place)) if place.is_dir() else [place]


def _below(folder: Path) -> Iterator[Path]:
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
    raise UsageError(f"cannot read {error.filename}: {error.strerror}", "leave it out") from error


def _objects(document: Any) -> Iterator[Json]:  # noqa: ANN401 - whatever the file holds
    """The objects of a document: of a list each, with the kind that a typed list (PodList) does not repeat."""
    if not isinstance(document, dict):
        return
    kind = str(document.get("kind"))
    if not kind.endswith("List") or "items" not in document:
        yield document
        return
    for item in entries(document, "items"):
        yield {"kind": kind.removesuffix("List"), **item}


def _parsed(file: BinaryIO, where: str) -> list[Any]:
    from yaml import YAMLError

    from irkit.contain.world.yaml import documents

    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{where} is larger than {MAX_BYTES >> 20} MiB", "leave it out")
    if (found := _json(data)) is not None:
        return found
    try:
        return documents(data)
    except (YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        hint = RENDER if b"{{" in data else "correct it, or leave it out"
        raise UsageError(f"{where} cannot be read: {reason}", hint) from error


def _json(data: bytes) -> list[Any] | None:
    """One JSON document, or one on each line, read a thousand times faster than as YAML; None where it is neither."""
    import msgspec

    if data.lstrip().startswith(b"{"):
        for pieces in ([data], data.splitlines()):
            with suppress(ValueError, RecursionError):
                return [msgspec.json.decode(piece) for piece in pieces if piece.strip()]
    return None
