"""The pod's object as the API server has it, and what can be read out of it: images, references, changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import PODS
from irkit.collect.changes import changes
from irkit.collect.collector import pod_of
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.containers import containers
from irkit.collect.pod.references import table
from irkit.model.permission import Permission
from irkit.model.pod import Target

GET = PODS.permission("get")
POD = Piece("pod", "pod/pod.json", "the pod's object", GET)
IMAGES = Piece("pod", "pod/images.json", "the images that the containers run", GET)
REFERENCES = Piece("pod", "pod/references.json", "the secrets, configuration and volumes that the pod refers to", GET)
CHANGES = Piece("pod", "pod/changes.json", "who last set which field of the pod", GET)


@dataclass(frozen=True, slots=True)
class Manifest:
    """pod/pod.json, and what irkit reads out of it: pod/images.json, pod/references.json, pod/changes.json."""

    read: bool = True  # False: only the object; `wide.tables` reads those of many pods together
    name: str = "pod"
    needs: tuple[Permission, ...] = (GET,)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """The object by its name, only while that name has our uid."""
        yield from into.document(POD, lambda: check(pod_of(target), cluster))
        if self.read and (pod := into.json(POD)) is not None:
            for piece, reading in READINGS:
                yield from into.compute(piece, partial(reading, pod))


def images(pod: Json) -> Json:
    """`{container: {kind, image, imageID, ...}}`: `image` as declared; `imageID`, what runs, "" until it is known."""
    return {
        each.name: {
            "kind": each.kind,
            "image": each.spec.get("image", ""),
            "resolved": each.status.get("image", ""),
            "imageID": each.status.get("imageID", ""),
            "containerID": each.status.get("containerID", ""),
        }
        for each in containers(pod)
    }


def staged_or_live(target: Target, cluster: Cluster, into: Folder) -> Json:
    """The pod's object: the one in the bundle when it is there, else asked for; raises as `check` does."""
    return into.json(POD) or check(pod_of(target), cluster).json()


def _changes(pod: Json) -> list[Json]:
    return changes([pod])


READINGS: tuple[tuple[Piece, Callable[[Json], Any]], ...] = (
    (IMAGES, images),
    (REFERENCES, table),
    (CHANGES, _changes),
)
