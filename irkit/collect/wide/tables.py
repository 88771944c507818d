"""What is read out of the objects of many pods: one table of each kind for all of them, by pod."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Any

from irkit.cluster.protocol import Json
from irkit.collect import gaps
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.manifest import POD, READINGS
from irkit.model.evidence import Gap
from irkit.model.run import Target
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
    for piece, reading in READINGS:
        told, lost = _read(piece, reading, pods, into)
        yield from into.compute(piece, partial(dict, told))
        yield from lost


def _read(
    piece: Piece, reading: Callable[[Json], Any], pods: Sequence[Target], into: Folder
) -> tuple[dict[str, Any], list[Gap]]:
    """What `reading` finds in each pod that was taken; a hostile object costs no other its row."""
    told, lost = {}, []
    for pod in pods:
        try:
            taken = replace(into, within=folder_of(pod)).json(POD)
            if taken is not None:
                told[pod.name] = reading(taken)
        except Exception as error:
            lost.append(gaps.gap(replace(piece, about=f"{piece.about}, of pod {pod.name}"), error))
    return told, lost
