"""Secrets and config maps that the pod refers to: what they are called and when they changed, never what they hold.

For each key a size and a keyed hash. It tells within a case whether two hold the same, or one was changed since;
without the key of the case, which is in no bundle in clear, a guess cannot be tried against it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import CONFIG_MAPS, SECRETS, Resource
from irkit.collect.folder import Folder
from irkit.collect.piece import Found, Piece
from irkit.collect.pod.manifest import staged_or_live
from irkit.collect.pod.references import references
from irkit.model.permission import Permission
from irkit.model.pod import Target
from irkit.text import slug

KINDS = {each.kind: each for each in (SECRETS, CONFIG_MAPS)}
GETS: tuple[Permission, ...] = tuple(each.permission("get", optional=True) for each in KINDS.values())
_KEPT = ("name", "namespace", "uid", "creationTimestamp", "resourceVersion", "deletionTimestamp", "labels")


@dataclass(frozen=True, slots=True)
class Secrets:
    """secrets/<kind>-<name>.json for each that the pod names: metadata, type, and per key size and keyed hash."""

    key: bytes  # of the case
    name: str = "secrets"
    needs: tuple[Permission, ...] = GETS

    def collect(self, target: Target, cluster: Cluster, into: Folder) -> Iterator[Found]:
        """Each by itself; its values are hashed in memory and go nowhere."""
        named = {(each.kind, each.name) for each in references(staged_or_live(target, cluster, into))}
        for kind, name in sorted(each for each in named if each[0] in KINDS):
            resource = KINDS[kind]
            path = f"secrets/{kind.lower()}-{slug(name)}.json"
            piece = Piece(self.name, path, f"{kind} {name}, by its hashes", resource.permission("get"))
            yield from into.compute(piece, partial(self._told, resource, target.namespace, name, cluster))

    def _told(self, resource: Resource, namespace: str, name: str, cluster: Cluster) -> Json:
        whole = cluster.get(resource.path(namespace, name)).json()
        metadata = part(whole, "metadata")
        held = {key: _plain(value) for key, value in part(whole, "data").items()} if resource is SECRETS else {}
        if resource is CONFIG_MAPS:
            held = {key: str(value).encode() for key, value in part(whole, "data").items()}
            held |= {key: _plain(value) for key, value in part(whole, "binaryData").items()}
        managers = [
            {key: each.get(key) for key in ("manager", "operation", "time")}
            for each in metadata.get("managedFields") or ()
            if isinstance(each, dict)
        ]
        return {
            "kind": resource.kind,
            "metadata": {key: metadata[key] for key in _KEPT if key in metadata},
            "type": whole.get("type", ""),
            "immutable": whole.get("immutable", False),
            "changes": managers,
            "keys": {key: {"size": len(value), "hmac_sha256": self._hash(value)} for key, value in held.items()},
        }

    def _hash(self, value: bytes) -> str:
        return hmac.digest(self.key, value, "sha256").hex()


def _plain(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        return str(value).encode()
