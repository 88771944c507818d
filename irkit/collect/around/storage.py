"""Storage: the claims that the pod's volumes are made of, and the persistent volumes behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import PERSISTENT_VOLUME_CLAIMS, Resource
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.manifest import staged_or_live
from irkit.collect.pod.references import references
from irkit.model.permission import Permission
from irkit.model.pod import Target
from irkit.text import slug

PERSISTENT_VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
GET_CLAIM = PERSISTENT_VOLUME_CLAIMS.permission("get")
GET_VOLUME = PERSISTENT_VOLUMES.permission("get", optional=True)


@dataclass(frozen=True, slots=True)
class Storage:
    """storage/claim-<name>.json, and storage/volume-<name>.json for each that is bound."""

    name: str = "storage"
    needs: tuple[Permission, ...] = (GET_CLAIM, GET_VOLUME)

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Each claim and its volume: where the data lies, so that it can be kept from deletion or copied."""
        found = references(staged_or_live(target, cluster, into))
        for name in sorted({each.name for each in found if each.kind == "PersistentVolumeClaim"}):
            claim = Piece(self.name, f"storage/claim-{slug(name)}.json", f"volume claim {name}", GET_CLAIM)
            yield from into.document(claim, partial(cluster.get, PERSISTENT_VOLUME_CLAIMS.path(target.namespace, name)))
            bound = ((into.json(claim) or {}).get("spec") or {}).get("volumeName")
            if bound:
                path = f"storage/volume-{slug(bound)}.json"
                volume = Piece(self.name, path, f"persistent volume {bound}", GET_VOLUME)
                yield from into.document(volume, partial(cluster.get, PERSISTENT_VOLUMES.path(name=bound)))
