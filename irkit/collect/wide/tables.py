"""What is read out of the objects of many pods: one table of each kind for all of them, by pod."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from threading import Event
from typing import Any

from irkit.collect import gaps
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.manifest import POD, READINGS
from irkit.model.evidence import Gap
from irkit.model.pod import Target
from irkit.text import slug


def folder_of(pod: Target) -> str:
    """Where a pod's own evidence stands, below data/."""
    return f"pods/{slug(pod.name)}/"


def tables(pods: Sequence[Target], folder: Folder) -> Iterator[Found]:
    """pod/images.json, pod/references.json and pod/changes.json, each `{pod: what one pod's capture has there}`.

    Read from the disk once all pods are taken, and always anew: a table held from an earlier capture lacks what came
    after it.
    """
    into = replace(folder, held={}, closed=Event())
    rows = [row for pod in pods for row in _rows(pod, into)]
    for piece, _ in READINGS:
        told = {pod: found for at, pod, found in rows if at is piece and not isinstance(found, Gap)}
        yield from into.compute(piece, partial(dict, told))
        yield from (found for at, _, found in rows if at is piece and isinstance(found, Gap))


def _rows(pod: Target, into: Folder) -> Iterator[tuple[Piece, str, Any]]:
    """(table, pod, what its reading finds, or a Gap) for each table, if the pod was taken.

    A hostile object costs no other its rows.
    """
    taken = cache(partial(replace(into, within=folder_of(pod)).json, POD))
    for piece, reading in READINGS:
        try:
            if (found := taken()) is not None:
                yield piece, pod.name, reading(found)
        except Exception as error:
            yield piece, pod.name, gaps.gap(replace(piece, about=f"{piece.about}, of pod {pod.name}"), error)
